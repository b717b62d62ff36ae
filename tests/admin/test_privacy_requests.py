"""Export and erasure at the desk: who may, what is shown before, and what is left behind."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scopes.models import Connection, Person, ReauthLink, Source, TrailEntry
from tests import cast as people
from tests.rights.lives import places

WHY = {"reason": "Asked by letter.", "ticket": "T-4"}
SURE = {**WHY, "sure": "on"}


def of(act: str, name: str = "Ben") -> str:
    return reverse(f"admin:{act}", args=[people.the(name).pk])


@pytest.mark.parametrize(
    ("act", "roles"), [("export_person", {"lead", "auditor", "everything"}), ("erase_person", {"lead", "everything"})]
)
def test_only_who_answers_for_it_may(
    records: Source, signed_in: Callable[[str], Client], act: str, roles: set[str]
) -> None:
    for role in ("viewer", "agent", "lead", "engineer", "auditor", "everything", "none"):
        may = role in roles
        assert signed_in(role).get(of(act)).status_code == (200 if may else 403), role
        if not may:
            assert signed_in(role).post(of(act), SURE).status_code == 403, role
        if role in ("viewer", "agent", "lead", "auditor"):
            page = signed_in(role).get(of("person")).content.decode()
            assert (of(act) in page) is may, role
    assert people.the("Ben").reauth_links.count() == 1


def test_an_export_is_shown_first_and_downloaded_with_a_reason(
    records: Source, signed_in: Callable[[str], Client]
) -> None:
    auditor = signed_in("auditor")
    shown = auditor.get(of("export_person")).content.decode()
    assert (
        "connections: 1, link events: 1, periods: 1" in shown and "links: 1" in shown and "ben@example.com" not in shown
    )
    assert auditor.post(of("export_person"), {"ticket": "T-4"}).context["form"].errors["reason"]
    assert not TrailEntry.objects.filter(verb="person.exported").exists()

    answer = auditor.post(of("export_person"), WHY)

    assert answer["Content-Disposition"].startswith('attachment; filename="person-')
    assert "ben" not in answer["Content-Disposition"].lower() and "no-store" in answer["Cache-Control"]
    document = json.loads(answer.content)
    assert document["person"]["email"] == "ben@example.com"
    assert document["links"][0]["public_id"] == "bens-link"
    assert document["trail"][-1]["verb"] == "person.exported"
    entry = TrailEntry.objects.get(verb="person.exported")
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-auditor", "Asked by letter.", "T-4")


def test_an_erasure_is_shown_first_and_meant(records: Source, signed_in: Callable[[str], Client]) -> None:
    lead = signed_in("lead")
    shown = lead.get(of("erase_person")).content.decode()
    assert "erased permanently" in shown and "Nothing is erased at the source" in shown
    for missing in ("reason", "sure"):
        form = {name: value for name, value in SURE.items() if name != missing}
        assert lead.post(of("erase_person"), form).context["form"].errors[missing]
    assert Person.objects.filter(reference_id="ref-ben").exists()

    lead.post("/admin/search/", {"words": "b@example.com"})
    address = of("erase_person")
    page = lead.post(address, SURE, follow=True)

    assert "The person was erased" in page.content.decode()
    assert places("ref-ben", "ben@example.com", "Bitdiddle", "ben-oura", "bens-link") == set()
    assert "searches" not in lead.session
    entry = TrailEntry.objects.get(verb="person.erased")
    assert (entry.actor, entry.reason, entry.ticket) == (User.objects.get(username="agent-lead"), WHY["reason"], "T-4")
    assert lead.post(address, SURE).status_code == 404, "there is nobody any more"
    assert not ReauthLink.objects.exists()


def test_a_forged_form_erases_no_person(records: Source, agent: Callable[[str], User]) -> None:
    forger = Client(enforce_csrf_checks=True)
    forger.force_login(agent("lead"))
    assert forger.post(of("erase_person"), SURE).status_code == 403
    assert Person.objects.filter(reference_id="ref-ben").exists()


def test_who_came_back_says_so_on_the_page(records: Source, signed_in: Callable[[str], Client]) -> None:
    day = people.NOW.date()
    Person.objects.filter(reference_id="ref-ada").update(previously_erased_on=day)
    Connection.objects.filter(user_id="ben-oura").update(previously_erased_on=day)
    for name in ("Ada", "Ben"):
        assert "Erased on" in signed_in("agent").get(of("person", name)).content.decode()
    assert "Erased on" not in signed_in("agent").get(of("person", "Cy")).content.decode()
