"""An access token that has the scopes, or the reason why not; refreshed once for all who call."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event, get_ident
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from scopes.models import ApiKey, Connection, Source, Token, TrailEntry
from scopes.sources.oauth2 import leases
from tests import cast as people
from tests.api.calls import call, key_for, problem
from tests.concurrently import at_once
from tests.sources.oauth2.holding import SCOPES, held, oauth, source
from tests.sources.oauth2.token_endpoint import Endpoint, refusal, serving
from tests.sync.test_refreshes import CLIENT

pytestmark = pytest.mark.django_db(transaction=True)

READ = ApiKey.Permission.READ_TOKENS


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """The client `acme`, whose provider's token endpoint is ours; refresh tokens rotate."""
    for name, value in CLIENT.items():
        monkeypatch.setenv(name, value)
    with serving(Endpoint(rotates=True, reuse_ends=True)) as found:
        monkeypatch.setattr("scopes.sources.oauth2.gateway.endpoints_of", lambda *_: oauth(found.url, rotates="yes"))
        yield found


def connected(name: str, endpoint: Endpoint, *, hours: float = 0, **how: Any) -> Token:
    """A connection whose consent was some hours ago; its access token works for one."""
    return held(name, timezone.now() - timedelta(hours=hours), oauth(endpoint.url, rotates="yes"), **how)


def wish(name: str, key: str = "", scopes: tuple[str, ...] = ("daily",), **more: Any) -> HttpResponse:
    body = {"reference_id": f"ref-{name}", "provider": "oura", "source": "oauth2:acme", "scopes": scopes, **more}
    return call("POST", "tokens", key or key_for(READ), body)


def given(answer: HttpResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    found: dict[str, Any] = json.loads(answer.content)
    return found


def more(answer: HttpResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.content)
    return found


def test_a_token_that_works_is_given_without_any_request(endpoint: Endpoint) -> None:
    row = connected("ada", endpoint)
    token = given(wish("ada", key_for(READ, name="shop")))
    assert (token["access_token"], token["token_type"], token["connection"]) == ("access-1-of-ada", "Bearer", row.pk)
    assert token["scopes"] == sorted(SCOPES)
    assert token["expires_at"] == f"{row.access_expires_at:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert endpoint.asked == []
    entry = TrailEntry.objects.get(verb="token.given")
    assert (entry.actor_name, entry.connection_id) == ("API key shop", row.pk)
    assert "access-1" not in str(list(TrailEntry.objects.values()))


def test_eight_callers_at_once_cause_one_refresh(endpoint: Endpoint) -> None:
    connected("ada", endpoint, hours=2)
    endpoint.seconds = 0.2
    key, found = key_for(READ), list[HttpResponse]()
    at_once(*[lambda: found.append(wish("ada", key))] * 8)
    assert endpoint.asked == ["ada"]
    assert {given(answer)["access_token"] for answer in found} == {"access-2-of-ada"}


def test_where_the_provider_does_not_answer_it_is_called_once_for_all_who_wait(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected("ada", endpoint, hours=2)
    is_leased, waiting, all_wait = leases.is_leased, set[int](), Event()

    def noted(row: Token, now: datetime) -> bool:
        leased = is_leased(row, now)
        if leased:
            waiting.add(get_ident())
            if len(waiting) == 7:
                all_wait.set()
        return leased

    def unavailable(_account: str) -> tuple[int, dict[str, str], bytes]:
        assert all_wait.wait(30)
        return 503, {}, b""

    monkeypatch.setattr(leases, "is_leased", noted)
    endpoint.misbehave = unavailable
    key, found = key_for(READ), list[HttpResponse]()
    at_once(*[lambda: found.append(wish("ada", key))] * 8)
    assert endpoint.asked == ["ada"]
    assert {problem(answer) for answer in found} == {(503, "source_unavailable")}


def test_what_is_missing_is_said_with_its_reason_and_whether_a_link_helps(endpoint: Endpoint) -> None:
    connected("ada", endpoint, hours=2)
    answer = wish("ada", scopes=("daily", "email", "a b"))
    assert problem(answer) == (403, "insufficient_scope")
    assert answer["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="email"'
    assert [one["scopes"] for one in more(answer)["missing"]] == [["email"], ["a b"]]
    assert {one["reason"]["code"] for one in more(answer)["missing"]} == {"never_requested"}
    assert more(answer)["link_helps"] is False
    assert endpoint.asked == [], "a token that would not do is not refreshed"


def test_scopes_that_a_refresh_reports_as_lost_are_missing(endpoint: Endpoint) -> None:
    connected("ada", endpoint, hours=2)
    endpoint.scope = "daily"
    assert problem(wish("ada", scopes=("heartrate",))) == (403, "insufficient_scope")
    assert Connection.objects.get(user_id="ada").standing.reported == ["daily"]
    assert given(wish("ada", scopes=("daily",)))["scopes"] == ["daily"]


def test_of_scopes_that_are_not_reported_nothing_is_missing(endpoint: Endpoint) -> None:
    connected("ada", endpoint, scopes=None)
    assert given(wish("ada"))["scopes"] is None


def test_a_credential_that_the_provider_rejects_breaks_the_connection(endpoint: Endpoint) -> None:
    connected("ada", endpoint, hours=2)
    endpoint.end("ada")
    for _ in range(2):
        answer = wish("ada")
        assert problem(answer) == (409, "connection_broken")
        assert (more(answer)["reason"]["code"], more(answer)["link_helps"]) == ("token_rejected", "yes")
    assert endpoint.asked == ["ada"]
    assert Connection.objects.get(user_id="ada").standing.link == "token_rejected"


def test_an_access_token_that_nothing_refreshes_works_until_it_ends(endpoint: Endpoint) -> None:
    connected("ada", endpoint, refresh=None)
    assert given(wish("ada"))["access_token"] == "access-1-of-ada"
    connected("ben", endpoint, refresh=None, hours=2)
    assert problem(wish("ben")) == (409, "connection_broken")
    assert Connection.objects.get(user_id="ben").standing.link == "token_rejected"


def test_while_the_provider_does_not_answer_the_connection_is_not_blamed(endpoint: Endpoint) -> None:
    connected("ada", endpoint, hours=2)
    endpoint.misbehave = lambda _account: (503, {"Retry-After": "7"}, b"")
    answer = wish("ada")
    assert problem(answer) == (503, "source_unavailable")
    assert answer["Retry-After"] == "7"
    assert Connection.objects.get(user_id="ada").standing.link == "active"


def test_that_our_client_is_refused_is_noted(endpoint: Endpoint) -> None:
    connected("ada", endpoint, hours=2)
    endpoint.misbehave = lambda _account: refusal(401, "invalid_client")
    assert problem(wish("ada")) == (502, "source_refuses")
    assert source().trouble == "credential"


def test_where_no_tokens_are_kept_there_are_none(endpoint: Endpoint) -> None:
    people.assemble()
    assert problem(wish("ben", source="terra:prod")) == (409, "no_tokens_kept")


def test_another_key_s_person_and_source_are_as_if_they_did_not_exist(endpoint: Endpoint) -> None:
    connected("ada", endpoint)
    other = Source.objects.create(kind="oauth2", name="other")
    key = key_for(READ, sources=(other,))
    assert problem(wish("ada", key)) == (404, "source_unknown")
    assert problem(wish("ada", key, source="oauth2:other")) == (404, "connection_not_found")
    assert problem(wish("ben")) == (404, "connection_not_found")


def test_of_several_connections_one_is_named(endpoint: Endpoint) -> None:
    row = connected("ada", endpoint)
    second = connected("ada2", endpoint)
    Connection.objects.update(reference_id="ref-ada")
    key = key_for(READ)
    assert problem(wish("ada", key)) == (409, "connection_ambiguous")
    assert given(wish("ada", key, connection=second.pk))["access_token"] == "access-1-of-ada2"
    assert problem(wish("ada", key, connection=row.pk + second.pk)) == (404, "connection_not_found")


def test_no_token_is_logged_or_stored_with_the_call(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    connected("ada", endpoint, hours=2)
    body = {"reference_id": "ref-ada", "provider": "oura", "source": "oauth2:acme"}
    key = key_for(READ)
    with caplog.at_level(logging.DEBUG):
        first = call("POST", "tokens", key, body, Idempotency_Key="a")
        again = call("POST", "tokens", key, body, Idempotency_Key="a")
    assert given(first)["access_token"] == "access-2-of-ada"
    assert problem(again) == (409, "answer_not_stored")
    for secret in ("access-2", "access-1", "refresh-1", "refresh-2", key):
        assert secret not in caplog.text
