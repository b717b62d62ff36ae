"""What only an engineer can fix comes with a text to paste, however many connections are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from scopes.judge import census
from scopes.models import Escalation, Source, TrailEntry
from tests import cast as people
from tests.admin.acts import ROLES, WHY, page_of, waived
from tests.admin.reading import queries


def test_what_an_engineer_must_fix_has_a_text_to_paste_on_both_pages(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.policy_for("oura", {**people.OURA_POLICY, "requested": ["email", "daily", "workout"]})
    census.take(people.NOW)
    browser, ben = signed_in("agent"), people.the("Ben")

    for address in (page_of("Ben"), reverse("admin:send_link", args=[ben.pk, cast.pk, "oura"])):
        page = browser.get(address).content.decode()
        (text,) = re.findall(r'aria-label="Escalation text[^>]*>(.*?)</textarea>', page, re.DOTALL)
        assert "Terra&#x27;s dashboard, environment prod" in text
        assert "heartrate (Heart rate), required for Recovery" in text
        assert "Affected: 1 connection of this integration (counted 20 Nov 2026, 06:00 UTC)" in text
        assert "Missing on this connection since 1 Mar 2026" in text
        assert "ben" not in text.lower(), "nobody is named"


def test_a_card_with_waivers_and_texts_costs_no_more_for_many_connections(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    waived()
    few = queries(signed_in("agent"), page_of("Ben"))
    people.take_in(*(people.consent("ben", slug, ("daily",)) for slug in ("whoop", "withings", "polar", "strava")))
    assert queries(signed_in("agent"), page_of("Ben")) == few


def never_requested() -> str:
    """The address at which Ben's heart rate, which is not requested, is escalated."""
    people.policy_for("oura", {**people.OURA_POLICY, "requested": ["email", "daily", "workout"]})
    census.take(people.NOW)
    address = reverse("admin:escalate", args=[people.connection_of("Ben").pk])
    return f"{address}?what=heartrate%3Dnever_requested"


def test_an_escalation_goes_from_the_agent_to_an_engineers_answer_which_all_connections_show(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    address, agent, engineer = never_requested(), signed_in("agent"), signed_in("engineer")
    assert address in agent.get(page_of("Ben")).content.decode().replace("&amp;", "&")
    assert agent.post(address, {"reason": ""}).status_code == 200 and not Escalation.objects.exists()
    assert agent.post(address, WHY).headers["Location"] == page_of("Ben")
    made = Escalation.objects.get()
    page = reverse("admin:escalation", args=[made.pk])
    assert (made.what, made.author, made.ticket) == ("heartrate=never_requested", "agent-agent", "T-3")
    assert "Ben" not in made.text and "Affected: 1 connection" in made.text

    assert agent.post(address, WHY).status_code == 409, "it is escalated already"
    shown = agent.get(page_of("Ben")).content.decode()
    assert "Escalated to engineering" in shown and address not in shown.replace("&amp;", "&")

    assert page in engineer.get(reverse("admin:escalations")).content.decode()
    assert engineer.post(page, {}).headers["Location"] == page
    assert "agent-engineer has it" in agent.get(page_of("Ben")).content.decode()
    assert engineer.post(page, {"answer": "", "state": "done"}).status_code == 200
    engineer.post(page, {"answer": "Requested since today.", "state": "done"})
    made.refresh_from_db()
    assert (made.state, made.engineer, made.answer) == ("done", "agent-engineer", "Requested since today.")
    shown = agent.get(page_of("Ben")).content.decode()
    assert "Requested since today." in shown and address in shown.replace("&amp;", "&"), "and it may be escalated anew"
    assert [entry.verb for entry in TrailEntry.objects.filter(subject=made.title).order_by("pk")] == [
        "escalation.made", "escalation.taken", "escalation.done"
    ]  # fmt: skip
    assert engineer.post(page, {"answer": "Again.", "state": "declined"}, follow=True).status_code == 200
    made.refresh_from_db()
    assert made.state == "done"


@pytest.mark.parametrize(("role", "may"), ROLES.items())
def test_who_may_escalate_and_who_may_answer(
    cast: Source, signed_in: Callable[[str], Client], role: str, may: bool
) -> None:
    assert signed_in(role).post(never_requested(), WHY).status_code == (302 if may else 403)
    if not may:
        signed_in("lead").post(never_requested(), WHY)
    page = reverse("admin:escalation", args=[Escalation.objects.get().pk])
    assert signed_in(role).get(page).status_code == (403 if role == "none" else 200)
    assert signed_in(role).post(page, {}).status_code == (302 if role == "engineer" else 403)


def test_what_no_engineer_has_to_fix_is_not_escalated(cast: Source, signed_in: Callable[[str], Client]) -> None:
    address = reverse("admin:escalate", args=[people.connection_of("Ben").pk]) + "?what=heartrate%3Ddeclined"
    assert signed_in("agent").get(address).status_code == 404
