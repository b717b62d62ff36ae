"""Connections that may be one: listed, merged, unmerged and marked as distinct, by who may, and shown beforehand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scopes.admin import id_pages
from scopes.facts import ConnectionSeen, ConsentGiven
from scopes.models import Connection, Merge, SuspectedDuplicate, TrailEntry
from tests import cast as people
from tests.admin.reading import words_of

pytestmark = pytest.mark.usefixtures("cast")

WHY = {"reason": "She has only ever had one ring.", "ticket": "T-9"}
LATER = people.CONSENTED + timedelta(days=3)
ROLES = {"viewer": False, "agent": False, "lead": True, "engineer": False, "auditor": False, "none": False}


def second(name: str = "ada", scopes: tuple[str, ...] = ("email", "daily")) -> Connection:
    """Another connection of the same person, which nothing proves to be the first."""
    people.take_in(ConsentGiven("oura", f"{name}-second", LATER, reference_id=f"ref-{name}", scopes=scopes))
    return Connection.objects.get(user_id=f"{name}-second")


def first(name: str = "ada") -> Connection:
    return Connection.objects.get(user_id=f"{name}-oura")


def merge_address() -> str:
    return reverse("admin:merge", args=[first().pk]) + f"?with={second().pk}"


def as_shown(browser: Client, address: str) -> dict[str, str]:
    """What is sent by somebody who saw the page of an act."""
    form = (browser.get(address).context or {}).get("form")
    return WHY | ({"shown": form.initial["shown"]} if form else {})


@pytest.mark.parametrize("role", ROLES)
def test_only_a_lead_merges_unmerges_and_marks_as_distinct(signed_in: Callable[[str], Client], role: str) -> None:
    browser, may = signed_in(role), ROLES[role]
    expected = [200, 302] if may else [403, 403]
    address, distinct = merge_address(), reverse("admin:mark_distinct", args=[first().pk, second().pk])

    assert [browser.get(address).status_code, browser.post(address, as_shown(browser, address)).status_code] == expected
    assert Merge.objects.exists() is may

    people.take_in(ConnectionSeen("oura", "finn-oura", LATER, provider_user_id="a ring"))
    people.take_in(ConsentGiven("oura", "finn-again", LATER, reference_id="ref-finn"))
    people.take_in(ConnectionSeen("oura", "finn-again", LATER, provider_user_id="a ring"))
    joined = Merge.objects.get(why="account")
    address = reverse("admin:unmerge", args=[joined.pk])
    assert [browser.get(address).status_code, browser.post(address, as_shown(browser, address)).status_code] == expected
    joined.refresh_from_db()
    assert (joined.unmerged_at is not None) is may

    ben = reverse("admin:mark_distinct", args=[first("ben").pk, second("ben").pk])
    assert [browser.get(ben).status_code, browser.post(ben, as_shown(browser, ben)).status_code] == expected
    assert browser.get(distinct).status_code == (200 if may else 403)


def test_the_page_shows_both_and_what_will_happen_and_then_it_does(signed_in: Callable[[str], Client]) -> None:
    browser, address = signed_in("lead"), merge_address()
    assert "ada-second" in words_of(browser.get(reverse("admin:duplicates")).content.decode())

    shown = words_of(browser.get(address).content.decode())
    assert "under the id ada-second" in shown and "ada-oura becomes a former id" in shown
    assert "Result: active, with daily, email." in shown
    browser.post(address, as_shown(browser, address))

    ada = people.connection_of("Ada")
    assert (ada.user_id, ada.standing.reported) == ("ada-second", ["daily", "email"])
    entry = TrailEntry.objects.get(verb="connection.merged")
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-lead", WHY["reason"], "T-9")
    assert not SuspectedDuplicate.objects.filter(state="open").exists()

    page = words_of(browser.get(reverse("admin:person", args=[ada.person_id])).content.decode())
    assert "ada-oura continues as ada-second" in page and WHY["reason"] in page
    unmerging = reverse("admin:unmerge", args=[Merge.objects.get().pk])
    shown = words_of(browser.get(unmerging).content.decode())
    assert "ada-oura : active, with daily, email, heartrate" in shown
    browser.post(unmerging, as_shown(browser, unmerging))
    assert {row.user_id for row in people.the("Ada").connections.filter(merged_into=None)} == {"ada-oura", "ada-second"}
    assert browser.post(unmerging, WHY).status_code == 409


def test_a_merge_of_what_changed_since_the_page_was_shown_is_refused(signed_in: Callable[[str], Client]) -> None:
    browser, address = signed_in("lead"), merge_address()
    shown = as_shown(browser, address)
    people.take_in(ConsentGiven("oura", "ada-oura", LATER + timedelta(days=1), scopes=("email",)))
    refused = browser.post(address, shown)
    assert refused.status_code == 409
    assert "changed since the page was shown" in words_of(refused.content.decode())
    assert not Merge.objects.exists()
    assert browser.post(address, WHY).status_code == 200, "the version that was shown is required"
    assert not Merge.objects.exists()
    assert browser.post(address, as_shown(browser, address)).status_code == 302


def test_what_changed_since_the_page_was_shown_is_not_marked_as_distinct(
    signed_in: Callable[[str], Client],
) -> None:
    browser, address = signed_in("lead"), reverse("admin:mark_distinct", args=[first().pk, second().pk])
    shown = as_shown(browser, address)
    people.take_in(ConsentGiven("oura", "ada-oura", LATER + timedelta(days=1), scopes=("email",)))
    refused = browser.post(address, shown)
    assert refused.status_code == 409
    assert "changed since the page was shown" in words_of(refused.content.decode())
    assert SuspectedDuplicate.objects.get().state == SuspectedDuplicate.State.OPEN
    assert browser.post(address, as_shown(browser, address)).status_code == 302
    assert SuspectedDuplicate.objects.get().state == SuspectedDuplicate.State.DISTINCT


@pytest.mark.parametrize("user_id", ["ada-oura", "ada-second"], ids=["the former id", "the id that goes on"])
def test_a_merge_that_changed_since_the_page_was_shown_is_not_undone(
    signed_in: Callable[[str], Client], user_id: str
) -> None:
    browser, address = signed_in("lead"), merge_address()
    browser.post(address, as_shown(browser, address))
    address = reverse("admin:unmerge", args=[Merge.objects.get().pk])
    shown = as_shown(browser, address)
    people.take_in(ConsentGiven("oura", user_id, LATER + timedelta(days=1), scopes=("email",)))
    refused = browser.post(address, shown)
    assert refused.status_code == 409
    assert "changed since the page was shown" in words_of(refused.content.decode())
    assert Merge.objects.get().unmerged_at is None
    assert browser.post(address, as_shown(browser, address)).status_code == 302
    assert Merge.objects.get().unmerged_at is not None


def test_what_cannot_be_one_is_refused_with_its_reason(signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("lead")
    people.take_in(ConnectionSeen("oura", "ada-oura", LATER, provider_user_id="one"))
    people.take_in(ConnectionSeen("oura", second().user_id, LATER, provider_user_id="another"))
    withings = Connection.objects.get(user_id="finn-withings")
    refused = {
        first("ben").pk: "They belong to different people.",
        withings.pk: "They belong to different providers",
        second().pk: "They use different accounts at the provider",
    }
    for other, words in refused.items():
        answer = browser.post(reverse("admin:merge", args=[first().pk]) + f"?with={other}", WHY)
        assert answer.status_code == 409 and words in words_of(answer.content.decode())
    assert not Merge.objects.exists()
    for words in ("nobody-goes-by-this", str(first().pk)):
        answer = browser.get(reverse("admin:merge", args=[first().pk]) + f"?with={words}")
        assert "has the id" in words_of(answer.content.decode())


def test_the_person_page_shows_suspected_and_inferred_merges_discreetly(
    signed_in: Callable[[str], Client],
) -> None:
    second()
    people.take_in(ConsentGiven("oura", "cy-new", people.NOW, reference_id="ref-cy", scopes=("email",)))
    browser = signed_in("viewer")
    ada, cy = (
        words_of(browser.get(reverse("admin:person", args=[people.the(name).pk])).content.decode())
        for name in ("Ada", "Cy")
    )
    assert "Suspected duplicate This may be the same connection" in ada and "Merge with" not in ada
    assert "Merged connection" in cy and "Inferred" in cy and "Unmerge" not in cy


def test_unclaimed_connections_are_listed_with_the_reason(signed_in: Callable[[str], Client]) -> None:
    people.take_in(ConsentGiven("oura", "stray", LATER))
    people.take_in(ConsentGiven("oura", "gus", LATER, reference_id="ref-gus"))
    page = words_of(signed_in("viewer").get(reverse("admin:unclaimed")).content.decode())
    assert "stray Oura no reference id" in page and "gus Oura person not imported" in page
    assert "ref-gus" not in page and "ada-oura" not in page


def test_the_lists_go_on_by_id_and_cost_the_same_however_long(
    signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in("lead")

    def cost(screen: str) -> int:
        browser.get(reverse(f"admin:{screen}"))
        with CaptureQueriesContext(connection) as asked:
            browser.get(reverse(f"admin:{screen}"))
        return len(asked)

    second()
    people.take_in(ConsentGiven("oura", "stray", LATER))
    few = cost("duplicates"), cost("unclaimed")
    for number in range(5):
        people.take_in(ConsentGiven("oura", f"ada-{number}", LATER, reference_id="ref-ada"))
        people.take_in(ConsentGiven("oura", f"stray-{number}", LATER))
    assert (cost("duplicates"), cost("unclaimed")) == few

    monkeypatch.setattr(id_pages, "PAGE", 4)
    seen: list[int] = []
    address = reverse("admin:unclaimed")
    while address:
        page = browser.get(address)
        seen += [row.pk for row, _, _ in page.context["rows"]]
        address = page.context["pages"].older and reverse("admin:unclaimed") + page.context["pages"].older
    assert seen == sorted(seen, reverse=True) and len(seen) == len(set(seen)) == 6


def test_what_was_marked_as_distinct_is_not_listed_again(signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("lead")
    address = reverse("admin:mark_distinct", args=[first().pk, second().pk])
    browser.post(address, as_shown(browser, address))
    people.take_in(ConsentGiven("oura", "ada-second", people.NOW, reference_id="ref-ada", scopes=("email",)))
    assert "suspected duplicates." in words_of(browser.get(reverse("admin:duplicates")).content.decode())
    assert TrailEntry.objects.filter(verb="connection.marked_distinct", person=people.the("Ada")).exists()
