"""Whether a person may be asked at all: the mark, and how often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from scopes.models import DontContact, ReauthLink, TrailEntry
from scopes.reauth import contact, issue
from scopes.reauth.contact import CannotMark
from scopes.reauth.issue import NotAllowed
from scopes.reauth.preflight import Preflight
from tests.cast import the
from tests.reauth.hands import NOW, act, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

DAY = timedelta(days=1)


def refused(attempt: Callable[[], object]) -> list[str]:
    with pytest.raises(NotAllowed) as raised:
        attempt()
    preflight: Preflight = raised.value.preflight
    assert preflight.overridable
    return [obstacle.code for obstacle in preflight.obstacles]


def test_a_person_who_is_not_to_be_contacted_gets_no_link_until_that_is_over() -> None:
    until = NOW.date() + 10 * DAY
    contact.set_mark(the("ben"), act("He wrote that he wants no more mail.", "T-9"), NOW, until)

    assert refused(lambda: send(the("ben"))) == ["dont_contact"]
    assert refused(lambda: send(the("ben"), now=NOW + 10 * DAY)) == ["dont_contact"], "through its last day"
    assert send(the("ben"), now=NOW + 11 * DAY).link.pk
    entry = TrailEntry.objects.get(verb="contact.stopped")
    assert (entry.person, entry.actor_name, entry.ticket) == (the("ben"), "rex", "T-9")


def test_a_mark_that_is_lifted_stands_no_more_and_can_be_set_again() -> None:
    mark = contact.set_mark(the("ben"), act("No more mail."), NOW)
    with pytest.raises(CannotMark):
        contact.set_mark(the("ben"), act("Twice."), NOW)

    contact.lift(mark, act("He asks for a link."), NOW + DAY)

    assert send(the("ben"), now=NOW + DAY).link.pk
    with pytest.raises(CannotMark):
        contact.lift(mark, act("Twice."), NOW + DAY)
    assert contact.set_mark(the("ben"), act("No more mail again."), NOW + 2 * DAY).pk != mark.pk
    assert [entry.verb for entry in TrailEntry.objects.filter(verb__startswith="contact.").order_by("pk")] == [
        "contact.stopped", "contact.allowed", "contact.stopped",
    ]  # fmt: skip


def test_a_mark_whose_last_day_has_passed_makes_room_for_another() -> None:
    contact.set_mark(the("ben"), act("A month of rest."), NOW, NOW.date() + DAY)
    contact.set_mark(the("ben"), act("For good."), NOW + 2 * DAY)

    assert DontContact.objects.filter(lifted_at__isnull=True).count() == 1


def test_a_mark_does_not_end_before_it_began() -> None:
    with pytest.raises(CannotMark):
        contact.set_mark(the("ben"), act("Odd."), NOW, NOW.date())


def test_a_person_gets_at_most_three_links_in_thirty_days_whatever_the_provider() -> None:
    for day, provider in enumerate(("oura", "withings", "oura")):
        send(the("finn"), provider, now=NOW + day * DAY, override=True)
        ReauthLink.objects.filter(opened_at__isnull=True).update(opened_at=NOW + day * DAY)

    assert "too_many_links" in refused(lambda: send(the("finn"), now=NOW + 3 * DAY))
    assert "too_many_links" in refused(lambda: send(the("finn"), "withings", now=NOW + 29 * DAY))
    assert send(the("finn"), now=NOW + 4 * DAY, override=True).link.pk, "a lead may"
    assert ReauthLink.objects.filter(person=the("finn")).count() == 4
    assert send(the("ben"), now=NOW + 4 * DAY).link.pk, "somebody else is not concerned"
    assert "too_many_links" not in refused(lambda: send(the("finn"), now=NOW + 40 * DAY)), "only what is not needed"


def test_links_that_were_withdrawn_or_replaced_before_anybody_opened_them_do_not_count() -> None:
    opened = send(the("ben"), now=NOW).link
    ReauthLink.objects.filter(pk=opened.pk).update(opened_at=NOW)
    send(the("ben"), now=NOW + DAY)
    withdrawn = send(the("ben"), now=NOW + 2 * DAY).link
    issue.withdraw(withdrawn, act("Wrong ticket."), NOW + 2 * DAY)
    assert contact.recent_links([the("ben").pk], NOW + 2 * DAY) == {the("ben").pk: 1}, (
        "the first was opened before it was replaced"
    )
    send(the("ben"), now=NOW + 3 * DAY)
    assert contact.recent_links([the("ben").pk], NOW + 3 * DAY) == {the("ben").pk: 2}, "the last still works"


def test_a_lead_overrides_the_mark_and_the_trail_says_so() -> None:
    contact.set_mark(the("ben"), act("No more mail."), NOW)

    send(the("ben"), override=True)

    assert TrailEntry.objects.get(verb="link.issued").detail["overridden"] == ["dont_contact"]
