"""Whose account a consent was with: what is not said is no reason to believe that nobody says it."""

from __future__ import annotations

import pytest

from scopes.catalogue import default
from scopes.facts import ConsentGiven
from scopes.sandbox.people import account_at
from scopes.sources.errors import SourceUnavailable
from scopes.sources.oauth2.inspection import inspect
from tests.sources.oauth2.test_every_block import at, consented, offered


def test_a_fresh_token_that_its_own_introspection_refuses_leaves_the_account_unknown_and_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gitlab = default().provider("gitlab")
    with at(gitlab) as (sandbox, server):
        monkeypatch.setattr(sandbox.grants, "token", lambda token: None)
        with pytest.raises(SourceUnavailable, match="not accepted"):
            consented(server, gitlab, offered(gitlab))


def test_accounts_at_earlier_providers_are_part_of_the_consent_where_there_are_any() -> None:
    google = default().provider("google_health")
    with at(google) as (sandbox, server):
        finished = consented(server, google, offered(google))
        (given,) = finished.facts
        assert isinstance(given, ConsentGiven) and finished.answer is not None
        assert given.earlier_accounts == (("fitbit", account_at("FITBIT", "ada")),)
        inspected = inspect(server, google, finished.user_id, finished.answer, frozenset())
        assert inspected.earlier == given.earlier_accounts, "and the night learns it of a consent of earlier days"
        for odd in ("", " ", "x" * 500):
            sandbox.grants.set_earlier("ada", {"fitbit": odd})
            (given,) = consented(server, google, offered(google)).facts
            assert isinstance(given, ConsentGiven) and given.earlier_accounts == ()
