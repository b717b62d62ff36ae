"""The command that encrypts all tokens by the first key finds by default, and changes with --apply."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from scopes.management.commands import reencrypt_tokens
from scopes.models import Token
from scopes.sources.oauth2 import tokens, vault
from tests.sources.oauth2.holding import held, oauth
from tests.sources.oauth2.keys import NEW, OLD, VARIABLE

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def rotated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five connections' tokens by the old key, one by the new, which comes first now; batches of two."""
    monkeypatch.setenv(VARIABLE, OLD)
    for place in range(5):
        held(f"user-{place}", NOW, oauth(), refresh=None if place == 3 else "refresh-1")
    monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
    held("newest", NOW, oauth())
    monkeypatch.setattr(reencrypt_tokens, "BATCH", 2)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("reencrypt_tokens", *arguments, stdout=out)
    return out.getvalue()


def test_it_finds_by_default() -> None:
    assert run() == (
        "Key new, which encrypts: the tokens of 1 connection.\n"
        "Key old: the tokens of 5 connections.\n"
        "Nothing was changed. Add --apply to encrypt all by the first key.\n"
    )
    assert tokens.by_key() == {"new": 1, "old": 5}


def test_with_apply_no_other_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {row.pk: row.refresh_at for row in Token.objects.all()}
    assert run("--apply") == (
        "Key new, which encrypts: the tokens of 6 connections.\nNo other key than new is needed.\n"
    )
    monkeypatch.setenv(VARIABLE, NEW)
    for row in Token.objects.select_related("connection"):
        name = row.connection.user_id
        assert vault.open_(row.pk, "access", row.access or b"") == f"access-1-of-{name}"
        if name != "user-3":
            assert vault.open_(row.pk, "refresh", row.refresh or b"") == f"refresh-1-of-{name}"
    assert {row.pk: row.refresh_at for row in Token.objects.all()} == before


def test_what_does_not_open_is_left_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, NEW)
    with pytest.raises(CommandError, match="tokens of 5 connections do not open"):
        run("--apply")
    assert tokens.by_key() == {"new": 1, "old": 5}


def test_ended_tokens_count_for_nothing() -> None:
    for row in Token.objects.filter(key_id="old"):
        tokens.end(row.pk, NOW)
    assert "No other key than new is needed." in run()


def test_without_a_key_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(CommandError, match=VARIABLE):
        run()
