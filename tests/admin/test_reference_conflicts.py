"""A connection that was reported for two people is said on both their pages, and raised for a lead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scopes import flow
from scopes.admin import id_pages
from scopes.facts import ConsentGiven, PersonKnown
from scopes.models import Connection, Person, ReferenceConflict, TrailEntry
from tests import cast as people
from tests.admin.reading import words_of

pytestmark = pytest.mark.usefixtures("cast")

WHY = {"reason": "The host gave her a new id.", "ticket": "T-9"}
LATER = people.CONSENTED + timedelta(days=3)
ROLES = {
    "viewer": (200, 403), "agent": (200, 403), "lead": (200, 200), "auditor": (200, 403), "engineer": (403, 403),
    "none": (403, 403),
}  # fmt: skip
OF_ADA = "Terra also reported this connection for ref-ben, first on 4 Mar 2026. It stays with ref-ada"
OF_BEN = "Terra also reported a connection of ref-ada for ref-ben : Oura, ada-oura, first on 4 Mar 2026"


def named(reference: str = "ref-ben", user_id: str = "ada-oura") -> ReferenceConflict:
    """Terra names another person for a connection."""
    people.take_in(ConsentGiven("oura", user_id, LATER, reference_id=reference, scopes=people.EVERYTHING))
    return ReferenceConflict.objects.get(reference_id=reference, connection__user_id=user_id)


def page(browser: Client, screen: str, *keys: int) -> str:
    response = browser.get(reverse(f"admin:{screen}", args=keys))
    assert response.status_code == 200
    return words_of(response.content.decode())


def test_both_people_s_pages_show_it_and_viewing_is_recorded(signed_in: Callable[[str], Client]) -> None:
    named()
    browser = signed_in("viewer")
    ada, ben = people.the("Ada"), people.the("Ben")

    assert OF_ADA in page(browser, "person", ada.pk)
    assert OF_BEN in page(browser, "person", ben.pk)

    entries = TrailEntry.objects.filter(verb="people.listed", detail__people=sorted([ada.pk, ben.pk]))
    assert entries.exists(), "each page shows both"
    assert "Dismiss" not in page(browser, "person", ada.pk)
    assert "also reported" not in words_of(
        browser.get(reverse("admin:person", args=[ada.pk]) + "?as_of=2026-11-20").content.decode()
    ), "it is of today"


def test_an_unclaimed_connection_shows_it_as_well(signed_in: Callable[[str], Client]) -> None:
    people.take_in(ConsentGiven("oura", "gus", people.CONSENTED, reference_id="ref-gus", scopes=()))
    named("ref-hal", "gus")
    named("ref-gus")
    shown = page(signed_in("viewer"), "connection", Connection.objects.get(user_id="gus").pk)
    assert "Terra also reported this connection for ref-hal" in shown
    assert "Terra also reported a connection of ref-ada for ref-gus" in shown


@pytest.mark.parametrize("role", ROLES)
def test_all_who_see_people_see_the_list_and_a_lead_dismisses(signed_in: Callable[[str], Client], role: str) -> None:
    report, browser = named(), signed_in(role)
    shows, asks = ROLES[role]
    act = reverse("admin:dismiss_reference_conflict", args=[report.pk])

    assert browser.get(reverse("admin:reference_conflicts")).status_code == shows
    assert browser.get(act).status_code == asks
    assert browser.post(act, WHY).status_code == (302 if asks == 200 else asks)
    report.refresh_from_db()
    assert (report.ended_at is not None) is (asks == 200)


def test_the_list_is_only_read_and_the_act_is_only_posted(signed_in: Callable[[str], Client]) -> None:
    report, browser = named(), signed_in("lead")
    act = reverse("admin:dismiss_reference_conflict", args=[report.pk])
    assert browser.post(reverse("admin:reference_conflicts")).status_code == 405
    assert [browser.put(act).status_code, browser.delete(act).status_code] == [405, 405]
    assert browser.post(act, {"reason": ""}).status_code == 200, "the reason is missing"
    assert browser.get(reverse("admin:dismiss_reference_conflict", args=[report.pk + 1])).status_code == 404
    report.refresh_from_db()
    assert report.ended_at is None


def test_what_was_dismissed_is_shown_nowhere_again_and_stands_in_the_trail(signed_in: Callable[[str], Client]) -> None:
    report, browser = named(), signed_in("lead")
    ada = people.the("Ada")
    assert "ref-ben" in page(browser, "reference_conflicts") and "Dismiss" in page(browser, "person", ada.pk)
    act = reverse("admin:dismiss_reference_conflict", args=[report.pk])
    assert OF_ADA in words_of(browser.get(act).content.decode())
    browser.post(act, WHY)

    people.take_in(ConsentGiven("oura", "ada-oura", people.NOW, reference_id="ref-ben"))

    assert "No connections are reported for two people" in page(browser, "reference_conflicts")
    assert "also reported" not in page(browser, "person", ada.pk) + page(browser, "person", people.the("Ben").pk)
    entry = TrailEntry.objects.get(verb="connection.reference_conflict_dismissed")
    assert (entry.person, entry.actor_name, entry.reason, entry.ticket) == (ada, "agent-lead", WHY["reason"], "T-9")
    assert browser.post(act, WHY).status_code == 409


def test_the_list_goes_on_by_id_and_costs_the_same_however_long(
    signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in("lead")

    def cost(*where: str | int) -> int:
        screen, *keys = where
        browser.get(reverse(f"admin:{screen}", args=keys))
        with CaptureQueriesContext(connection) as asked:
            browser.get(reverse(f"admin:{screen}", args=keys))
        return len(asked)

    ada = people.the("Ada").pk
    named()
    few = cost("reference_conflicts"), cost("person", ada)
    for number in range(5):
        named(f"ref-other-{number}")
    assert (cost("reference_conflicts"), cost("person", ada)) == few

    monkeypatch.setattr(id_pages, "PAGE", 4)
    seen: list[int] = []
    address = reverse("admin:reference_conflicts")
    while address:
        shown = browser.get(address)
        seen += [one.report.pk for one in shown.context["rows"]]
        address = shown.context["pages"].older and reverse("admin:reference_conflicts") + shown.context["pages"].older
    assert seen == sorted(seen, reverse=True) and len(seen) == len(set(seen)) == 6


def test_ids_that_differ_in_case_only_point_to_each_other(signed_in: Callable[[str], Client]) -> None:
    flow.take_in_people([PersonKnown("w-14", name="Will"), PersonKnown("W-14", name="Wilma")], people.NOW)
    people.take_in(ConsentGiven("oura", "wilmas", people.CONSENTED, reference_id="W-14", scopes=()))
    browser = signed_in("viewer")
    will, wilma = Person.objects.get(reference_id="w-14"), Person.objects.get(reference_id="W-14")
    for one, other in ((will, wilma), (wilma, will)):
        shown = browser.get(reverse("admin:person", args=[one.pk])).content.decode()
        assert f"{one.reference_id} and {other.reference_id} differ only in case." in words_of(shown)
        assert reverse("admin:person", args=[other.pk]) in shown
    assert "differ in case" not in page(browser, "person", people.the("Ada").pk)


def test_a_connection_that_is_unclaimed_because_of_its_case_points_to_the_person(
    signed_in: Callable[[str], Client],
) -> None:
    people.take_in(ConsentGiven("oura", "shouted", people.CONSENTED, reference_id="REF-ADA", scopes=()))
    stray, ada, browser = Connection.objects.get(user_id="shouted"), people.the("Ada"), signed_in("viewer")
    for screen, key, other in (
        ("connection", stray.pk, ("person", ada.pk)),
        ("person", ada.pk, ("connection", stray.pk)),
    ):
        shown = browser.get(reverse(f"admin:{screen}", args=[key])).content.decode()
        assert "differ only in case." in words_of(shown)
        assert reverse(f"admin:{other[0]}", args=[other[1]]) in shown


def test_the_other_spelling_is_found_by_an_index() -> None:
    flow.take_in_people([PersonKnown(f"host-{number}") for number in range(1000)], people.NOW)
    crowd = [ConsentGiven("oura", f"id-{n}", LATER, reference_id=f"nobody-{n}", scopes=()) for n in range(1000)]
    people.take_in(*crowd)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scopes_person, scopes_connection")
    unclaimed = Connection.objects.filter(person__isnull=True, merged_into__isnull=True).exclude(reference_id="")
    assert "person_by_id_in_case" in Person.objects.filter(reference_id__iexact="w-14").explain()
    assert "connection_unclaimed_in_case" in unclaimed.filter(reference_id__iexact="w-14").explain()
