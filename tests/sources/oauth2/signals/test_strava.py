"""Strava's events: not signed, so they only hint, and only from our own subscription."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from scopes.facts import LinkState
from scopes.sources.errors import NotVerified
from scopes.sources.oauth2.signals.reported import LARGEST, Reported
from scopes.sources.oauth2.signals.strava import Check, handshake, read
from tests.sources.oauth2.signals.entries import entry

SECRETS = ("a-word-of-ours", "120475")
DEAUTHORIZED = {
    "object_type": "athlete", "object_id": 134815, "aspect_type": "update", "updates": {"authorized": "false"},
    "owner_id": 134815, "subscription_id": 120475, "event_time": 1795773600,
}  # fmt: skip


def body(**changes: Any) -> bytes:
    return json.dumps(DEAUTHORIZED | changes).encode()


def check(whole: bytes, secrets: tuple[str, ...] = SECRETS) -> datetime:
    checked = Check(secrets)
    for start in range(0, len(whole), 50):
        checked.update(whole[start : start + 50])
    return checked.proof().signed_at


def test_an_event_of_our_subscription_is_believed_to_be_stravas() -> None:
    assert check(body()) == datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "whole",
    [
        body(subscription_id=120476),
        body(subscription_id=None),
        body(subscription_id=True),
        body(event_time="soon"),
        body(event_time=None),
        body(event_time=10**30),
        b"[]",
        b"not json",
        b"[" * 5000,
        b"",
    ],
)
def test_anything_else_is_not(whole: bytes) -> None:
    with pytest.raises(NotVerified):
        check(whole)


def test_without_secrets_nothing_is_believed() -> None:
    with pytest.raises(NotVerified, match="no signing secret"):
        Check(())


def test_what_is_longer_than_any_event_is_refused_before_it_has_arrived() -> None:
    checked = Check(SECRETS)
    with pytest.raises(NotVerified, match="longer than"):
        checked.update(b" " * (LARGEST + 1))


def test_a_deauthorization_only_makes_the_link_unconfirmed() -> None:
    assert read(body(), entry("strava")) == Reported("athlete.deauthorized", ("134815",), LinkState.UNCONFIRMED)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"object_type": "activity", "aspect_type": "create", "updates": {}}, "activity.create"),
        ({"updates": {"authorized": "true"}}, "athlete.update"),
        ({"updates": "false"}, "athlete.update"),
        ({"owner_id": None}, "athlete.update"),
        ({"aspect_type": "\n" * 10}, "unknown"),
    ],
)
def test_other_events_say_nothing_of_a_link(changes: dict[str, Any], kind: str) -> None:
    assert read(body(**changes), entry("strava")) == Reported(kind)


def test_the_handshake_is_answered_to_who_knows_our_word() -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "15f7d1a91c1f40", "hub.verify_token": "a-word-of-ours"}
    answer = handshake(asked, SECRETS)
    assert (answer.status, json.loads(answer.text)) == (200, {"hub.challenge": "15f7d1a91c1f40"})
    for wrong in ({"hub.verify_token": "x"}, {"hub.verify_token": ""}, {"hub.mode": "x"}, {"hub.challenge": "x" * 300}):
        with pytest.raises(NotVerified):
            handshake(asked | wrong, SECRETS)
