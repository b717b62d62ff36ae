"""A reason for opening a person is recorded, and good for that person, in that session, for some minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from scopes.admin.opening import EXPLAINED, GIVEN
from scopes.models import Source, TrailEntry
from tests import cast as people
from tests.admin.every_screen import address

WHY = {"reason": "He wrote that recovery is empty.", "ticket": "T-1"}


@pytest.fixture(autouse=True)
def _asked_for(settings: Settings) -> None:
    settings.PORTAL_OPENING_REASON_MINUTES = 30


def test_a_reason_is_recorded_and_opens_what_was_asked_for_in_this_session_alone(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    client, ben = signed_in("agent"), people.the("Ben")
    page = address("person")
    asked = client.get(f"{page}?kind=links").headers["Location"]
    assert asked == f"/admin/open/{ben.pk}/?next={quote(f'{page}?kind=links', safe='')}"
    shown = client.get(asked).content.decode()
    assert "Why do you open this person?" in shown and ben.name not in shown
    assert client.post(asked, {"reason": ""}).status_code == 200
    assert client.get(page).status_code == 302
    assert client.post(asked, WHY).headers["Location"] == f"{page}?kind=links"
    assert client.get(page).status_code == 200
    entry = TrailEntry.objects.get(verb=EXPLAINED)
    assert (entry.person, entry.actor_name, entry.reason, entry.ticket) == (ben, "agent-agent", *WHY.values())
    for other in (client.get(f"/admin/people/{people.the('Ada').pk}/"), signed_in("agent").get(page)):
        assert other.status_code == 302, "another person, and another session"


def test_a_reason_is_good_for_some_minutes(everything: Source, signed_in: Callable[[str], Client]) -> None:
    client, ben = signed_in("agent"), people.the("Ben")
    client.post(f"/admin/open/{ben.pk}/?next=https://elsewhere.example/", WHY)
    assert client.get(address("person")).status_code == 200
    session = client.session
    session[GIVEN] = {str(ben.pk): (timezone.now() - timedelta(minutes=31)).isoformat()}
    session.save()
    assert client.get(address("person")).status_code == 302
