"""Where the setting asks for it, a person opens once the agent has said why: once a person, session and time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from scopes.models import Source, TrailEntry
from tests import cast as people
from tests.admin.every_screen import SCREENS, address

# Here people stand next to others, or nobody stands at all but by the name of a link, an escalation or an entry.
LISTS = {
    "index", "search", "connections", "duplicates", "unclaimed", "reference_conflicts", "check_many", "live_checks",
    "campaign_people", "draft_campaign", "scopes_reauthlink_changelist", "scopes_trailentry_changelist",
    "scopes_trailentry_change", "access_log", "access_entry",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _asked_for(settings: Settings) -> None:
    settings.PORTAL_OPENING_REASON_MINUTES = 30


def test_no_page_about_a_person_opens_without_a_reason(everything: Source, signed_in: Callable[[str], Client]) -> None:
    client, ben = signed_in("everything"), people.the("Ben")
    for screen in sorted(set(SCREENS) - LISTS):
        page = client.get(address(screen))
        if page.status_code == 302:
            assert page.headers["Location"].startswith("/admin/open/"), screen
        else:
            assert "ben@example.com" not in page.content.decode(), screen
            assert ben.name not in page.content.decode(), screen


def test_an_act_is_not_done_without_a_reason_to_open(everything: Source, signed_in: Callable[[str], Client]) -> None:
    client = signed_in("agent")
    assert client.post(address("write_note"), {"text": "He called."}).status_code == 302
    assert not TrailEntry.objects.filter(verb="note.written").exists()


def test_without_the_setting_no_one_is_asked(
    everything: Source, signed_in: Callable[[str], Client], settings: Settings
) -> None:
    settings.PORTAL_OPENING_REASON_MINUTES = 0
    assert signed_in("agent").get(address("person")).status_code == 200
