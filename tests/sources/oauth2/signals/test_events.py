"""An event of any form is reduced to its type, its accounts and their state; nothing else of it is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scopes.catalogue.oauth import OAuth
from scopes.facts import LinkChanged, LinkState
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.signals import events
from scopes.sources.oauth2.signals.reported import LARGEST
from tests.sources.oauth2.signals.entries import entry
from tests.sources.oauth2.signals.test_slack import BODY
from tests.sources.oauth2.signals.test_strava import DEAUTHORIZED

AT = datetime(2026, 11, 27, tzinfo=UTC)
SLACK = Client("chat", "id", "secret", "slack")


def test_what_is_stored_of_an_event_holds_no_token_and_gives_the_same_fact_again() -> None:
    read = events.read(entry("slack"), SLACK, BODY)
    assert read.type == "tokens_revoked" and "verification-token" not in str(read.body)
    stored = json.loads(json.dumps(read.body))
    fact = LinkChanged("slack", "T024BE7LD:U024BE7LH", LinkState.REVOKED, AT, detail="tokens_revoked")
    assert events.facts(stored, AT) == (fact,)


def test_an_event_that_says_nothing_of_a_link_is_no_fact() -> None:
    body = json.dumps(DEAUTHORIZED | {"object_type": "activity"}).encode()
    assert events.facts(events.read(entry("strava"), SLACK, body).body, AT) == ()


@pytest.mark.parametrize(
    ("oauth", "body", "words"),
    [
        (entry("slack"), b"not json", "Expecting value"),
        (entry("slack"), b" " * (LARGEST + 1), "longer than"),
        (entry("set"), b"no token", "no signed token"),
        (replace(entry("set"), signals=None), b"{}", "sends no events"),
    ],
)
def test_a_body_that_is_no_event_is_refused(oauth: OAuth, body: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        events.read(oauth, SLACK, body)
