"""What agents do about a person's "no", and the past of a page: each role, before and after."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import flow
from scopes.facts import LinkChanged, LinkState
from scopes.judge import census
from scopes.models import Connection, DontContact, ReauthLink, Source, TrailEntry, Verdict, Waiver
from scopes.models.trail import Act
from scopes.reauth import contact
from tests import cast as people
from tests.reauth.hands import act, rex, send

ROLES = {"viewer": False, "agent": True, "lead": True, "engineer": False, "auditor": False, "none": False}
WHY = {"reason": "He said that his heart is his own.", "ticket": "T-3"}


def words_of(page: str) -> str:
    """The page as it is read."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def page_of(name: str, query: str = "") -> str:
    return reverse("admin:person", args=[people.the(name).pk]) + query


def waive_address(name: str = "Ben", need: str = "heartrate") -> str:
    return reverse("admin:waive", args=[people.connection_of(name).pk]) + f"?need={need}"


def in_days(days: int) -> str:
    return f"{timezone.now().date() + timedelta(days=days):%Y-%m-%d}"


def health(row: Connection) -> str:
    row.refresh_from_db()
    return Verdict.objects.get(standing=row.standing_id, policy_version__in_force_for=row.integration_id).health


def waived() -> Waiver:
    until = timezone.now().date() + timedelta(days=30)
    return flow.waive(people.connection_of("Ben"), "heartrate", until, Act(rex(), "His own."), timezone.now())


@pytest.mark.parametrize("role", ROLES)
def test_agents_and_leads_respect_a_no_and_end_that_and_nobody_else(
    cast: Source, signed_in: Callable[[str], Client], role: str
) -> None:
    browser, may = signed_in(role), ROLES[role]
    answers = [browser.get(waive_address()), browser.post(waive_address(), WHY | {"until": in_days(30)})]
    assert [answer.status_code for answer in answers] == ([200, 302] if may else [403, 403])
    assert Waiver.objects.exists() is may

    waiver = Waiver.objects.first() or waived()
    address = reverse("admin:end_waiver", args=[waiver.pk])
    answers = [browser.get(address), browser.post(address, WHY)]
    assert [answer.status_code for answer in answers] == ([200, 302] if may else [403, 403])
    waiver.refresh_from_db()
    assert (waiver.ended_at is not None) is may


@pytest.mark.parametrize("role", ROLES)
def test_agents_set_the_mark_and_only_a_lead_lifts_it(
    cast: Source, signed_in: Callable[[str], Client], role: str
) -> None:
    browser, ben = signed_in(role), people.the("Ben")
    set_it, lift_it = (reverse(f"admin:{name}", args=[ben.pk]) for name in ("dont_contact", "lift_dont_contact"))
    answers = [browser.get(set_it), browser.post(set_it, WHY)]
    assert [answer.status_code for answer in answers] == ([200, 302] if ROLES[role] else [403, 403])
    if not ROLES[role]:
        contact.set_mark(ben, act("No mail."), timezone.now())

    answers = [browser.get(lift_it), browser.post(lift_it, WHY)]
    assert [answer.status_code for answer in answers] == ([200, 302] if role == "lead" else [403, 403])
    assert DontContact.objects.filter(lifted_at__isnull=True).exists() is (role != "lead")


def test_the_page_says_first_what_will_happen_and_afterwards_what_stands(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    assert "Waive heart rate" in words_of(browser.get(page_of("Ben")).content.decode())
    page = words_of(browser.get(waive_address()).content.decode())
    assert "Oura goes from blocked to reduced." in page and "Features that stay off: Recovery." in page

    browser.post(waive_address(), WHY | {"until": in_days(30)})

    assert health(people.connection_of("Ben")) == "reduced"
    page = words_of(browser.get(page_of("Ben")).content.decode())
    for saying in ("Waived heartrate", "He said that his heart is his own.", "ticket T-3", "End waiver"):
        assert saying in page
    assert "Waive " not in page
    assert TrailEntry.objects.get(verb="need.waived").actor_name == "agent-agent"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (WHY | {"until": "yesterday"}, 200),
        ({"until": "2020-01-01", **WHY}, 409),
        (WHY | {"until": "9999-01-01"}, 409),
        ({"until": "", "reason": ""}, 200),
    ],
)
def test_what_is_missing_from_the_form_loses_nothing_and_does_nothing(
    cast: Source, signed_in: Callable[[str], Client], form: dict[str, str], status: int
) -> None:
    answer = signed_in("agent").post(waive_address(), form)

    assert answer.status_code == status and not Waiver.objects.exists()
    assert form["reason"] in answer.content.decode()


def test_what_is_not_missing_or_not_theirs_to_choose_is_not_waived_by_hand(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    assert browser.get(waive_address(need="made-up")).status_code == 404
    page = browser.get(waive_address("Ada")).content.decode()
    assert "so it can’t be waived" in page and "<textarea" not in page
    assert browser.post(waive_address("Ada"), WHY | {"until": in_days(30)}).status_code == 409
    waiver = waived()
    address = reverse("admin:end_waiver", args=[waiver.pk])
    assert browser.post(address, WHY).status_code == 302
    assert browser.post(address, WHY).status_code == 409


def test_a_marked_person_is_shown_so_and_only_a_lead_sends_a_link(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    ben = people.the("Ben")
    signed_in("agent").post(reverse("admin:dont_contact", args=[ben.pk]), WHY | {"until": in_days(10)})
    page = words_of(signed_in("agent").get(page_of("Ben")).content.decode())
    assert "Do not contact through" in page and WHY["reason"] in page and "Allow contact again" not in page
    assert "Allow contact again" in words_of(signed_in("lead").get(page_of("Ben")).content.decode())

    link = reverse("admin:send_link", args=[ben.pk, cast.pk, "oura"])
    form = {"language": "en", "days": "7", "reason": "He asked for it on the phone.", "override": "on"}
    assert "is marked “Do not contact”" in signed_in("agent").get(link).content.decode()
    assert signed_in("agent").post(link, form).status_code == 409
    assert signed_in("lead").post(link, form).context["url"]


def test_the_limit_is_a_setting_and_counts_all_providers(
    cast: Source, signed_in: Callable[[str], Client], settings: object
) -> None:
    settings.PORTAL_LINKS_A_MONTH = 1  # type: ignore[attr-defined]
    send(people.the("Ben"), "withings", now=timezone.now(), override=True)
    page = signed_in("agent").get(reverse("admin:send_link", args=[people.the("Ben").pk, cast.pk, "oura"]))
    assert "1 of at most 1 links were sent to this person in the last 30 days." in page.content.decode()
    assert ReauthLink.objects.count() == 1


def test_what_an_engineer_must_mend_has_a_text_to_paste_on_both_pages(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.policy_for("oura", {**people.OURA_POLICY, "requested": ["email", "daily", "workout"]})
    census.take(people.NOW)
    browser, ben = signed_in("agent"), people.the("Ben")

    for address in (page_of("Ben"), reverse("admin:send_link", args=[ben.pk, cast.pk, "oura"])):
        page = browser.get(address).content.decode()
        (text,) = re.findall(r"<textarea readonly[^>]*>(.*?)</textarea>", page, re.DOTALL)
        assert "Terra&#x27;s dashboard, environment prod" in text
        assert "heartrate (Heart rate), required for Recovery" in text
        assert "Affected: 1 connection of this integration (counted 20 Nov 2026, 06:00 UTC)" in text
        assert "Missing on this connection since 1 Mar 2026" in text
        assert "ben" not in text.lower(), "nobody is named"


def test_the_page_of_a_past_day_tells_that_day_and_lets_nobody_act(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.take_in(LinkChanged("oura", "ada-oura", LinkState.REVOKED, people.NOW, reference_id="ref-ada"))
    browser = signed_in("lead")
    page = words_of(browser.get(page_of("Ada", "?as_of=2026-11-03T12:00")).content.decode())
    assert "As of 3 Nov 2026, 12:00, UTC." in page
    assert "All needed permissions are granted" in page and "link is revoked" not in page
    for offer in ("Send a link anyway", "Send a reauth link", "Do not contact", "Waive"):
        assert offer not in page
    assert "No connection was known at that time" in words_of(
        browser.get(page_of("Ada", "?as_of=2026-02-01")).content.decode()
    )
    assert "Revoked by the person" in words_of(browser.get(page_of("Ada")).content.decode())


@pytest.mark.parametrize("words", ["soon", "2999-01-01", "<script>", "2026-11-03T99:00"])
def test_a_moment_that_cannot_be_is_said_and_today_is_shown(
    cast: Source, signed_in: Callable[[str], Client], words: str
) -> None:
    page = signed_in("viewer").get(page_of("Ben"), {"as_of": words}).content.decode()
    assert 'role="alert"' in page and "<script>" not in page and "Left unticked" in page


def test_a_card_with_waivers_and_texts_costs_no_more_for_many_connections(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    from tests.admin.test_queries import queries

    waived()
    few = queries(signed_in("agent"), page_of("Ben"))
    people.take_in(*(people.consent("ben", slug, ("daily",)) for slug in ("whoop", "withings", "polar", "strava")))
    assert queries(signed_in("agent"), page_of("Ben")) == few
