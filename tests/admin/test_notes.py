"""Notes about a person: by whom and when, without secrets, removed by who wrote them or by a lead."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from scopes.models import Note, Source, TrailEntry
from tests import cast as people
from tests.admin.acts import ROLES, WHY, page_of


def write(browser: Client, text: str) -> int:
    address = reverse("admin:write_note", args=[people.the("Ben").pk])
    return browser.post(address, {"text": text}).status_code


def test_a_note_stands_on_the_page_with_author_and_time_newest_first(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    assert write(signed_in("agent"), "He calls again on Monday.") == 302
    assert write(signed_in("lead"), "Mail him in <b>German</b>.") == 302

    page = signed_in("viewer").get(page_of("Ben")).content.decode()

    assert page.index("Mail him in &lt;b&gt;German") < page.index("He calls again on Monday.")
    assert "agent-lead" in page and "agent-agent" in page and "Save note" not in page
    entry = TrailEntry.objects.filter(verb="note.written").latest("pk")
    assert entry.person == people.the("Ben") and "German" not in f"{entry.detail}{entry.reason}{entry.subject}"


def test_addresses_and_tokens_in_a_note_are_masked(cast: Source, signed_in: Callable[[str], Client]) -> None:
    write(signed_in("agent"), "Mail ben@private.example. He sent access_token=abcdef0123456789abcdef.")
    text = Note.objects.get().text
    assert "private.example" not in text and "abcdef0123456789" not in text and text.startswith("Mail [masked]")


@pytest.mark.parametrize(("role", "may"), ROLES.items())
def test_who_may_write_a_note(cast: Source, signed_in: Callable[[str], Client], role: str, may: bool) -> None:
    assert write(signed_in(role), "He calls again.") == (302 if may else 403)
    assert Note.objects.count() == may


def test_a_note_is_removed_by_who_wrote_it_or_by_a_lead(cast: Source, signed_in: Callable[[str], Client]) -> None:
    write(signed_in("lead"), "Of the lead.")
    write(signed_in("agent"), "Of the agent.")
    of_lead, of_agent = (reverse("admin:remove_note", args=[note.pk]) for note in Note.objects.order_by("pk"))
    assert signed_in("agent").post(of_lead, WHY).status_code == 403
    assert signed_in("agent").post(of_agent, {"reason": ""}).status_code == 200
    assert Note.objects.count() == 2
    assert signed_in("lead").post(of_agent, WHY).status_code == 302
    assert signed_in("lead").post(of_lead, WHY).status_code == 302
    assert not Note.objects.exists()
    assert TrailEntry.objects.filter(verb="note.removed", detail__author="agent-agent").exists()
