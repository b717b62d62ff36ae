"""Every state of a link and of its mail has its words, and every reason why a mail was not sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scopes.admin.link_words import link_state, message_state
from scopes.models import Message, ReauthLink
from scopes.reauth.stopped_messages import Why
from tests.reauth.hands import NOW


@pytest.mark.parametrize("state", [state for state in Message.State if state != Message.State.STOPPED])
def test_every_state_has_words(state: Message.State) -> None:
    words, tone = message_state(Message(state=state, detail="550"))
    assert words and tone and ("550" in words) == (state == Message.State.BOUNCED)


@pytest.mark.parametrize("why", Why)
def test_every_reason_not_to_send_has_words(why: Why) -> None:
    assert message_state(Message(state="stopped", detail=why.value))[0].startswith("Not sent: ")


def test_a_complaint_is_shown_although_it_arrived() -> None:
    assert message_state(Message(state="arrived", detail="complained")) == ("Arrived, and was reported as spam", "bad")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Not opened yet"),
        ({"opened_at": NOW}, "Opened"),
        ({"opened_at": NOW, "redirected_at": NOW}, "Went to the provider"),
        ({"opened_at": NOW, "redirected_at": NOW, "returned_at": NOW}, "Returned, waiting for confirmation"),
        ({"outcome": "partly"}, "Partly fixed, still open"),
        ({"outcome": "fixed"}, "Fixed"),
        ({"withdrawn_at": NOW}, "Withdrawn"),
        ({"superseded_by_id": 7}, "Replaced by a newer link"),
        ({"expires_at": NOW}, "Expired"),
    ],
)
def test_a_link_says_how_far_it_got(fields: dict[str, Any], said: str) -> None:
    link = ReauthLink(**{"expires_at": NOW + timedelta(days=7)} | fields)
    assert link_state(link, NOW)[0] == said
