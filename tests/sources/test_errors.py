"""What a source's errors carry for the agent and for its support."""

from __future__ import annotations

import pytest

from scopes.facts import AccountTrouble
from scopes.sources import errors
from scopes.sources.errors import CredentialRejected, RequestRefused, SourceError, SourceUnavailable


def test_the_trace_id_stands_in_the_text_where_there_is_one() -> None:
    assert str(SourceUnavailable("They are down", trace_id="abc-1")) == "They are down (trace id abc-1)"
    assert str(SourceUnavailable("They are down")) == "They are down"


def test_a_rejected_credential_is_a_refusal_of_our_account() -> None:
    rejected = CredentialRejected("The key is not accepted", trace_id="abc-1")
    assert (rejected.trouble, rejected.trace_id) == (AccountTrouble.CREDENTIAL, "abc-1")


@pytest.mark.parametrize("name", ["SourceUnavailable", "RequestRefused", "CredentialDead", "AccountRefused"])
def test_whoever_calls_a_source_has_one_error_to_catch(name: str) -> None:
    assert issubclass(getattr(errors, name), SourceError)


def test_what_is_refused_keeps_its_status_and_their_words() -> None:
    refused = RequestRefused("no", status=400, detail="invalid_scope")
    assert (refused.status, refused.detail) == (400, "invalid_scope")
