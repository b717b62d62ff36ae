"""Campaigns and their recipients: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scopes.models import Campaign, Recipient, Source
from tests.cast import NOW, connection_of
from tests.models.rows import link, refuses, twice

pytestmark = pytest.mark.django_db


def campaign(**changes: Any) -> Campaign:
    base: dict[str, Any] = {
        "kind": Campaign.Kind.FILTER,
        "name": "Heart rate",
        "reason": "Recovery needs it.",
        "author": "Lea",
        "days": 14,
        "per_hour": 1000,
        "created_at": NOW,
    }
    return Campaign.objects.create(**base | changes)


def recipient(**changes: Any) -> Recipient:
    ben = connection_of("Ben")
    base = {"campaign": Campaign.objects.first() or campaign(), "person": ben.person, "connection": ben}
    return Recipient.objects.create(**{**base, "integration": ben.integration} | changes)


REFUSED: dict[str, Callable[[], object]] = {
    "campaign_says_why": lambda: campaign(reason=""),
    "campaign_migrates_from_one_to_another": lambda: campaign(kind="migration"),
    "campaign_has_a_pace": lambda: campaign(per_hour=0),
    "campaign_times_fit_its_state": lambda: campaign(state="running", started_at=NOW),
    "recipient_once_per_campaign_and_integration": lambda: twice(recipient),
    "recipient_was_sent_a_link": lambda: recipient(state="waiting", link=link()),
    "recipient_is_left_out_for_a_reason": lambda: recipient(state="left_out"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])
