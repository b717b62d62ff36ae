"""After everything that can happen to tokens, no token stands anywhere but encrypted."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from portal.embedded_postgres import programs
from scopes.models import Token
from scopes.rights.export import export
from scopes.rights.personal_data import personal_data_of
from scopes.sources.oauth2 import vault
from scopes.sync import rate_limit, refreshes
from tests.sources.oauth2.holding import held, oauth, source
from tests.sources.oauth2.token_endpoint import Endpoint, refusal, serving
from tests.sync.test_refreshes import CLIENT

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = ("refreshed", "failing", "ended", "uncertain")


def dump() -> str:
    """The whole database as `pg_dump` writes it: bytes in hexadecimal."""
    how = connection.get_connection_params()
    named = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    given = {variable: str(how[name]) for name, variable in named.items() if how.get(name)}
    command = [programs() / "pg_dump"]
    return subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, check=True).stdout


def spellings(token: str) -> set[str]:
    plain = token.encode()
    return {token, plain.hex(), base64.b64encode(plain).decode().rstrip("=")[:-1], json.dumps(token)}


@pytest.fixture
def circle(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The tokens of four people, to whom everything happens that can; all that there ever were."""
    for name, value in CLIENT.items():
        monkeypatch.setenv(name, value)
    with serving(Endpoint(rotates=True)) as endpoint, caplog.at_level(logging.DEBUG):
        how = oauth(endpoint.url, rotates="yes")
        monkeypatch.setattr("scopes.sources.oauth2.gateway.endpoints_of", lambda *_: how)
        replies = {
            "failing": (500, {"Content-Type": "text/plain"}, b"failed for refresh-1-of-failing access-1-of-failing"),
            "ended": refusal(400, "invalid_grant", "refresh-1-of-ended was revoked"),
            "uncertain": (200, {}, b"refresh_token=refresh-1-of-uncertain&nonsense"),
        }
        endpoint.misbehave = replies.get
        for name in PEOPLE:
            held(name, timezone.now() - timedelta(hours=2), how)
        refreshes.refresh_due(source(), rate_limit.gateway_of(source()), timezone.now, lambda: True)
    (refreshed,) = Token.objects.filter(connection__user_id="refreshed")
    assert refreshed.access is not None and refreshed.refresh is not None
    new = [
        vault.open_(refreshed.pk, "access", refreshed.access),
        vault.open_(refreshed.pk, "refresh", refreshed.refresh),
    ]
    assert new[1] == "refresh-2-of-refreshed"
    assert Token.objects.get(connection__user_id="ended").ended_at is not None
    assert (
        Token.objects.get(connection__user_id="failing").error
        and Token.objects.get(connection__user_id="uncertain").uncertain_since
    )
    return [*new, *(f"{kind}-1-of-{name}" for name in PEOPLE for kind in ("access", "refresh")), "a-client-secret"]


def shown(text: str, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets for spelling in spellings(secret) if spelling in text]


def test_a_dump_of_the_database_holds_none(circle: list[str]) -> None:
    text = dump()
    assert "oauth2" in text and "refreshed" in text
    assert shown(text, circle) == []


def test_the_dump_would_show_one(circle: list[str]) -> None:
    Token.objects.filter(connection__user_id="refreshed").update(refresh=circle[1].encode(), error=circle[0])
    assert sorted(set(shown(dump(), circle))) == sorted(circle[:2])


def test_neither_do_logs_exports_and_what_commands_print(circle: list[str], caplog: pytest.LogCaptureFixture) -> None:
    texts = [caplog.text]
    for name in PEOPLE:
        texts.append(json.dumps(export(personal_data_of(f"ref-{name}"), timezone.now())))
        for options in ((), ("--json",)):
            out = StringIO()
            call_command("show_person", f"ref-{name}", *options, stdout=out)
            texts.append(out.getvalue())
    out = StringIO()
    call_command("reencrypt_tokens", "--apply", stdout=out)
    texts += [out.getvalue(), *map(repr, Token.objects.all()), *map(str, Token.objects.all())]
    assert "Tokens held since" in "".join(texts) and shown("\n".join(texts), circle) == []


@pytest.mark.usefixtures("circle")
def test_the_export_says_that_there_are_some() -> None:
    exported = export(personal_data_of("ref-refreshed"), timezone.now())["connections"][0]["tokens"]
    assert exported["grant_reported_in"] == "token_response" and exported["obtained_at"] and exported["refreshed_at"]
    assert exported["scopes_requested"] and exported["ended_at"] is None
    ended = export(personal_data_of("ref-ended"), timezone.now())["connections"][0]["tokens"]
    assert ended["ended_at"] is not None


@pytest.mark.usefixtures("circle")
def test_a_token_that_was_copied_to_another_person_does_not_open() -> None:
    theirs = Token.objects.get(connection__user_id="refreshed")
    Token.objects.filter(connection__user_id="failing").update(access=theirs.access, refresh=theirs.refresh)
    mine = Token.objects.get(connection__user_id="failing")
    assert mine.access is not None
    with pytest.raises(vault.NotOpened):
        vault.open_(mine.pk, "access", mine.access)
