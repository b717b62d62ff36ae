"""Messages: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scopes.models import Message, ReauthLink, Source
from tests.cast import NOW
from tests.models.rows import link, refuses, twice

pytestmark = pytest.mark.django_db


def message(**more: Any) -> Message:
    return Message.objects.create(
        **{"link": ReauthLink.objects.first() or link(), "created_at": NOW, "due_at": NOW, **more}
    )


REFUSED: dict[str, Callable[[], object]] = {
    "message_once_per_link_and_number": lambda: twice(message),
    "message_counts_from_one": lambda: message(number=0),
    "message_times_fit_its_state": lambda: message(state="sent"),
    "message_being_sent_is_claimed": lambda: message(state="sending"),
    "message_not_arrived_for_a_reason": lambda: message(state="bounced", ended_at=NOW),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
