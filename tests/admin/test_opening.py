"""Where the setting asks for it, a person opens once the agent has said why: once a person, session and time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from scopes.models import Connection, ReauthLink, Source, TrailEntry
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


def test_a_link_does_not_open_without_a_reason_however_its_id_is_written(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    client, link = signed_in("everything"), ReauthLink.objects.exclude(person=None).latest("pk")
    for written in (f"{link.pk}", f"+{link.pk}", f"%20{link.pk}", f"0_{link.pk}", f"_2B{link.pk}"):
        page = client.get(f"/admin/scopes/reauthlink/{written}/")
        assert page.status_code == 302 and page.headers["Location"].startswith("/admin/open/"), written


def test_a_second_person_on_a_page_needs_a_reason_of_their_own(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    stray = Connection.objects.filter(person=None, merged_into=None).latest("pk")
    of_ben = Connection.objects.filter(person=people.the("Ben"), merged_into=None).latest("pk")
    client = signed_in("everything")
    for way in (f"merge/?with={of_ben.pk}", f"distinct/{of_ben.pk}/"):
        page = client.get(f"/admin/connections/{stray.pk}/{way}")
        assert page.status_code == 302 and page.headers["Location"].startswith(f"/admin/open/{of_ben.person_id}"), way


def test_what_was_typed_is_taken_also_after_the_minutes_of_the_reason(
    everything: Source, signed_in: Callable[[str], Client], settings: Settings
) -> None:
    client, ben = signed_in("agent"), people.the("Ben")
    client.post(f"/admin/open/{ben.pk}/?next=/admin/people/{ben.pk}/", {"reason": "T-1"})
    settings.PORTAL_OPENING_REASON_MINUTES = -1
    assert client.get(f"/admin/people/{ben.pk}/").status_code == 302
    client.post(f"/admin/people/{ben.pk}/notes/", {"text": "He called."})
    assert TrailEntry.objects.filter(verb="note.written").exists()


def test_without_the_setting_no_one_is_asked(
    everything: Source, signed_in: Callable[[str], Client], settings: Settings
) -> None:
    settings.PORTAL_OPENING_REASON_MINUTES = 0
    assert signed_in("agent").get(address("person")).status_code == 200
