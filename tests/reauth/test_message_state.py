"""Every state of a message has its words, and every reason why one was not sent."""

from __future__ import annotations

import pytest

from scopes.models import Message
from scopes.reauth.message_state import message_state
from scopes.reauth.stopped_messages import Why


@pytest.mark.parametrize("state", [state for state in Message.State if state != Message.State.STOPPED])
def test_every_state_has_words(state: Message.State) -> None:
    words, tone = message_state(Message(state=state, detail="550"))
    assert words and tone and ("550" in words) == (state == Message.State.BOUNCED)


@pytest.mark.parametrize("why", Why)
def test_every_reason_not_to_send_has_words(why: Why) -> None:
    assert message_state(Message(state="stopped", detail=why.value))[0].startswith("Not sent: ")


def test_a_complaint_is_shown_although_it_arrived() -> None:
    assert message_state(Message(state="arrived", detail="complained")) == ("Arrived, and was reported as spam", "bad")
