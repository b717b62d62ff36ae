"""Policies in the admin: drafted, weighed, published, taken back; and what is asked for beyond the needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from scopes.admin import publish
from scopes.facts import ConsentGiven
from scopes.judge.content import check
from scopes.judge.policy import draft
from scopes.models import Integration, PolicyVersion, Source, TrailEntry
from tests import cast as people
from tests.admin.test_person import words_of

NEEDS_STRESS: dict[str, Any] = {
    "requested": [*people.EVERYTHING, "stress"],
    "requirements": [*people.OURA_POLICY["requirements"], {"feature": "calm", "any_of": ["stress"]}],
}


@pytest.fixture
def oura(cast: Source) -> Integration:
    return people.integration_of("oura")


@pytest.fixture
def engineer(signed_in: Callable[[str], Client]) -> Client:
    return signed_in("engineer")


def drafted(integration: Integration, content: dict[str, Any] = NEEDS_STRESS, note: str = "") -> PolicyVersion:
    return draft(integration, content, author="Pat", now=timezone.now(), note=note)


def read(browser: Client, name: str, pk: int, query: str = "") -> str:
    response = browser.get(reverse(f"admin:{name}", args=[pk]) + query)
    assert response.status_code == 200
    return words_of(response.content.decode())


def fields_of(browser: Client, integration: Integration, query: str = "") -> dict[str, Any]:
    """What a browser would send of the draft's form as it is shown."""
    address = reverse("admin:draft_policy", args=[integration.pk]) + query
    editor = browser.get(address).context["editor"]
    form, rows = editor.form, editor.rows
    sent = {
        "requested": [box.name for box in editor.boxes() if box.requested],
        "approved": [box.name for box in editor.boxes() if box.approved],
        "approval": form["approval"].value(),
        "note": "",
        **{field.html_name: field.value() for field in rows.management_form},
    }
    for row in rows:
        sent |= {field.html_name: value for field in row if (value := field.value()) not in (None, False)}
    return sent


def in_force(integration: Integration) -> PolicyVersion:
    return Integration.objects.select_related("policy_version").get(pk=integration.pk).policy_version  # type: ignore[return-value]


def test_the_integration_leads_to_its_policies_and_what_each_changed(oura: Integration, engineer: Client) -> None:
    less = people.OURA_POLICY | {"requested": list(people.EVERYTHING[1:])}
    people.policy_for("oura", less, now=timezone.now())
    drafted(oura, note="Calm needs stress.")
    assert (
        reverse("admin:policies", args=[oura.pk])
        in engineer.get(reverse("admin:scopes_integration_change", args=[oura.pk])).content.decode()
    )
    page = read(engineer, "policies", oura.pk)
    drafts, published = page.split("Published", 1)
    assert "Policy 4 Draft" in drafts and "Calm needs stress." in drafts
    assert "Added: requested email" in drafts and "Added: requirement calm ( stress, required)" in drafts
    third, second = published.split("Policy 2")
    assert "Policy 3 In force" in third and "by Pat" in third and "Removed: requested email" in third
    assert "In force" not in second and "Added: requirement recovery ( heartrate, required)" in second


def test_a_form_that_is_sent_as_it_is_shown_drafts_the_same_policy(oura: Integration, engineer: Client) -> None:
    content = people.OURA_POLICY | {
        "requested": ["daily", "heartrate"],
        "approved": ["daily"],
        "requirements": [
            {
                "feature": "sleep",
                "any_of": ["spo2", "daily"],
                "level": "recommended",
                "plans": ["free", "pro"],
                "title": {"en": "Sleep", "fr": "Sommeil"},
                "why": {"de": "für den Schlaf"},
            },
            {"feature": "old", "any_of": ["a scope of the past"]},
        ],
    }
    people.policy_for("oura", content)
    sent = fields_of(engineer, oura)
    response = engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    made = PolicyVersion.objects.latest("pk")
    assert response.headers["Location"] == reverse("admin:policy_impact", args=[made.pk])
    assert made.content == in_force(oura).content and made.author == "agent-engineer" and made.published_at is None


def test_what_is_ticked_and_typed_is_drafted(oura: Integration, engineer: Client) -> None:
    sent = fields_of(engineer, oura)
    sent |= {
        "requested": ["daily", "stress"],
        "approval": "these",
        "approved": ["daily"],
        "note": "Calm is new.",
        "needs-0-DELETE": "on",
        "needs-4-feature": "calm",
        "needs-4-any_of": "stress, spo2",
        "needs-4-level": "recommended",
        "needs-4-plans": "pro, team",
        "needs-4-title_de": "Ruhe",
        "needs-4-why_en": "to show how calm you are",
    }
    engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    made = PolicyVersion.objects.latest("pk")
    assert (made.number, made.note) == (3, "Calm is new.")
    recovery, training, coaching = people.OURA_POLICY["requirements"][1:]
    calm = {
        "feature": "calm",
        "any_of": ["stress", "spo2"],
        "level": "recommended",
        "plans": ["pro", "team"],
        "title": {"de": "Ruhe"},
        "why": {"en": "to show how calm you are"},
    }
    assert check(made.content) == check(
        {
            "requested": ["daily", "stress"],
            "approved": ["daily"],
            "requirements": [recovery, training, coaching, calm],
        }
    )
    assert in_force(oura).number == 2


def test_adding_a_row_keeps_what_was_typed_and_saves_nothing(oura: Integration, engineer: Client) -> None:
    before = PolicyVersion.objects.count()
    sent = fields_of(engineer, oura) | {"needs-4-feature": "calm", "add_row": "1"}
    response = engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    page = response.content.decode()
    assert 'name="needs-4-feature" value="calm"' in page and 'name="needs-5-feature"' in page
    assert "errorlist" not in page and PolicyVersion.objects.count() == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"needs-4-any_of": "daily"}, "This field is required."),
        ({"needs-4-feature": "calm"}, "This field is required."),
        ({"needs-4-feature": "calm", "needs-4-any_of": " , "}, "Any_of needs at least one scope."),
        ({"needs-4-feature": "calm", "needs-4-any_of": "stres"}, "has no scope &#x27;stres&#x27; for Oura."),
        ({"needs-4-feature": "calm", "needs-4-any_of": "daily", "needs-4-level": "nice"}, "nice is not one of the"),
        ({"needs-4-feature": "calm", "needs-4-any_of": "d" * 201}, "The catalogue has no scope"),
        ({"needs-4-feature": "calm", "needs-4-any_of": "daily", "needs-4-plans": "p" * 201}, "at most 200 characters"),
        ({"requested": ["made up"]}, "made up is not one of the available choices."),
        ({"approval": ""}, "This field is required."),
        ({"needs-TOTAL_FORMS": "many"}, "ManagementForm data is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_beside_the_field_and_nothing_is_lost(
    oura: Integration, engineer: Client, wrong: dict[str, Any], said: str
) -> None:
    before = PolicyVersion.objects.count()
    sent = fields_of(engineer, oura) | {"note": "Kept."} | wrong
    response = engineer.post(reverse("admin:draft_policy", args=[oura.pk]), sent)
    page = response.content.decode()
    assert said in page and "Not saved." in page and "Kept." in page
    assert PolicyVersion.objects.count() == before


def test_an_earlier_draft_of_the_same_author_is_superseded(oura: Integration, engineer: Client) -> None:
    for _ in range(2):
        drafted(oura)
    draft(oura, NEEDS_STRESS, author="Quinn", now=timezone.now())
    page = read(engineer, "policies", oura.pk)
    assert [page.count(state) for state in (" Draft drafted", "Superseded draft drafted")] == [2, 1]
    assert "Policy 3 Superseded draft" in page


def test_the_impact_says_whom_it_concerns_why_and_how_many_a_link_could_mend(
    oura: Integration, signed_in: Callable[[str], Client]
) -> None:
    """Ada and Finn have all but stress; Ben lacks heart rate as well, and Cy revoked."""
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, scopes=people.EVERYTHING))
    page = read(signed_in("viewer"), "policy_impact", drafted(oura).pk)
    assert "3 connections of 2 people would become blocked or reduced; a link could fix 3 of them (100 %)" in page
    assert "OK 3 0 0 0 — Reduced 0 0 0 0 0 Blocked 1 4 3 2 3 (100 %) Broken 1 1 0 0 —" in page
    assert "stress Not requested at the time 3 3 (100 %)" in page
    assert "5 connections, as of" in page
    assert "an engineer can." in page


def test_a_draft_that_asks_for_too_much_or_too_little_is_doubted(oura: Integration, engineer: Client) -> None:
    page = read(engineer, "policy_impact", drafted(oura).pk)
    assert "Requests scopes that no feature needs: spo2 " in page
    page = read(engineer, "policy_impact", drafted(oura, NEEDS_STRESS | {"requested": ["daily"]}).pk)
    assert "Doesn’t request scopes that are mandatory at Oura, so nobody could connect: email personal tag" in page
    assert (
        "Features need scopes that it doesn’t request, so a link can’t fix them: heartrate workout session stress"
        in page
    )
    enough = {"requested": ["email", "personal", "tag", "daily"], "requirements": NEEDS_STRESS["requirements"][:1]}
    assert "Warnings" not in read(engineer, "policy_impact", drafted(oura, enough).pk)


def test_publishing_shows_what_will_happen_and_asks_why(
    oura: Integration, engineer: Client, agent: Callable[[str], User]
) -> None:
    made = drafted(oura)
    address = reverse("admin:publish_policy", args=[made.pk])
    page = read(engineer, "publish_policy", made.pk)
    assert "Policy 3 comes into force instead of policy 2." in page
    assert "counts as changed from the moment you publish" in page
    sent = {"instead_of": in_force(oura).pk, "since": ""}
    assert "This field is required." in engineer.post(address, sent).content.decode()
    assert in_force(oura).number == 2

    before = timezone.now()
    response = engineer.post(address, sent | {"reason": "Calm goes live.", "ticket": "OPS-7"}, follow=True)
    assert "Policy 3 is in force." in words_of(response.content.decode())
    now_in_force = in_force(oura)
    assert now_in_force == made and now_in_force.in_force_from is not None and now_in_force.in_force_from >= before
    entry = TrailEntry.objects.filter(verb="policy.published").latest("pk")
    assert (entry.actor, entry.actor_name, entry.reason, entry.ticket, entry.detail) == (
        agent("engineer"), "agent-engineer", "Calm goes live.", "OPS-7", {"version": 3, "before": 2},
    )  # fmt: skip
    history = read(engineer, "policies", oura.pk)
    assert "by agent-engineer, drafted by Pat" in history
    assert "Reason: Calm goes live. ticket OPS-7" in history
    assert engineer.get(address).status_code == 302
    assert engineer.post(address, sent | {"reason": "Again."}).status_code == 302
    assert TrailEntry.objects.filter(verb="policy.published", subject=str(made)).count() == 1


def test_a_date_in_the_past_is_told_and_moves_who_consented_since(oura: Integration, engineer: Client) -> None:
    made = drafted(oura)
    since = (people.CONSENTED - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    page = read(engineer, "publish_policy", made.pk, f"?since={since}")
    assert "counts as changed since 28 Feb 2026, 12:00 UTC" in page and "4 connections consented since then" in page
    address = reverse("admin:publish_policy", args=[made.pk])
    shown = engineer.get(address, {"since": since}).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(since|instead_of)" value="([^"]*)"', shown))
    response = engineer.post(address, hidden | {"reason": "It was shown since then."}, follow=True)
    assert made.integration.versions.get(pk=made.pk).in_force_from == people.CONSENTED - timedelta(days=1)
    assert "4 connections were assigned to the consent screen they saw." in words_of(response.content.decode())
    ada = people.connection_of("Ada")
    assert ada.standing.verdicts.get(policy_version=made).missing == ["stress=declined"]


@pytest.mark.parametrize("since", ["2999-01-01T00:00", "yesterday", "2026-13-01T00:00"])
def test_a_date_that_cannot_be_is_refused(oura: Integration, engineer: Client, since: str) -> None:
    made = drafted(oura)
    for response in (
        engineer.get(reverse("admin:publish_policy", args=[made.pk]), {"since": since}),
        engineer.post(reverse("admin:publish_policy", args=[made.pk]), {"since": since, "reason": "Because."}),
    ):
        assert "errorlist" in response.content.decode()
    assert in_force(oura).number == 2


def test_more_than_a_page_may_move_is_left_to_the_command_line(
    oura: Integration, engineer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "MOST_MOVED", 3)
    made = drafted(oura)
    page = read(engineer, "publish_policy", made.pk, "?since=2026-01-02T00:00")
    command = f"python manage.py publish_draft {made.pk} --in-force-from 2026-01-02T00:00:00 --as agent-engineer"
    assert command in page
    sent = {"since": "2026-01-02T00:00", "reason": "All the same."}
    engineer.post(reverse("admin:publish_policy", args=[made.pk]), sent)
    assert in_force(oura).number == 2


def test_what_came_into_force_meanwhile_is_not_undone_unseen(oura: Integration, engineer: Client) -> None:
    shown = in_force(oura).pk
    made = drafted(oura)
    people.policy_for("oura", people.OURA_POLICY | {"requested": ["daily"]}, now=timezone.now())
    response = engineer.post(
        reverse("admin:publish_policy", args=[made.pk]), {"since": "", "reason": "Because.", "instead_of": shown}
    )
    assert "policy 4 came into force in the meantime. Review the changes again." in response.content.decode()
    assert in_force(oura).number == 4
    assert f'name="instead_of" value="{in_force(oura).pk}"' in response.content.decode()


def test_going_back_drafts_the_earlier_content_and_publishes_it_anew(oura: Integration, engineer: Client) -> None:
    earlier = in_force(oura)
    people.policy_for("oura", NEEDS_STRESS, now=timezone.now())
    response = engineer.post(reverse("admin:draft_again", args=[earlier.pk]), follow=True)
    page = words_of(response.content.decode())
    assert "Restores policy 2." in page and "Removed: requested stress" in page and "OK 0 2 2 2 —" in page
    back = PolicyVersion.objects.latest("pk")
    engineer.post(reverse("admin:publish_policy", args=[back.pk]), {"since": "", "reason": "Calm is off again."})
    assert in_force(oura) == back and back.content == earlier.content
    assert engineer.post(reverse("admin:draft_again", args=[drafted(oura).pk])).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "agent", "lead", "auditor", "none"])
def test_only_an_engineer_drafts_and_publishes(
    oura: Integration, signed_in: Callable[[str], Client], role: str
) -> None:
    browser, made, before = signed_in(role), drafted(oura), PolicyVersion.objects.count()
    answers = [
        browser.post(reverse("admin:publish_policy", args=[made.pk]), {"since": "", "reason": "Because."}),
        browser.post(reverse("admin:draft_policy", args=[oura.pk]), {"approval": "unknown"}),
        browser.post(reverse("admin:draft_again", args=[in_force(oura).pk])),
        browser.get(reverse("admin:draft_policy", args=[oura.pk])),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert in_force(oura).number == 2 and PolicyVersion.objects.count() == before


def test_nothing_is_done_by_looking(oura: Integration, engineer: Client) -> None:
    made = drafted(oura)
    assert engineer.get(reverse("admin:draft_again", args=[in_force(oura).pk])).status_code == 405
    engineer.get(reverse("admin:publish_policy", args=[made.pk]), {"reason": "Because.", "instead_of": "1"})
    assert in_force(oura).number == 2


def test_least_privilege_lists_what_is_asked_for_and_granted_beyond_the_needs(
    oura: Integration, signed_in: Callable[[str], Client]
) -> None:
    page = read_least(signed_in("viewer"))
    mine = page[page.index("Oura terra:prod") :].split("Policies")[0]
    assert "Requested, not needed spo2" in mine
    assert "Requested, mandatory at the provider email personal tag" in mine
    # Cy revoked, so three connections hold them.
    for scope in ("email", "personal", "spo2", "tag"):
        assert f"{scope} 3" in mine
    assert "daily" not in mine and "session" not in mine
    assert "Fitbit through terra:prod" not in page


def read_least(browser: Client) -> str:
    response = browser.get(reverse("admin:unused_permissions"))
    assert response.status_code == 200
    return words_of(response.content.decode())


def test_the_pages_of_a_policy_ask_as_much_whatever_it_holds(oura: Integration, engineer: Client) -> None:
    def asked() -> dict[str, int]:
        made = PolicyVersion.objects.filter(published_at__isnull=True).latest("pk")
        found = {}
        for name, pk in (
            ("policies", oura.pk), ("draft_policy", oura.pk), ("policy_impact", made.pk), ("publish_policy", made.pk),
        ):  # fmt: skip
            engineer.get(reverse(f"admin:{name}", args=[pk]))
            with CaptureQueriesContext(connection) as queries:
                engineer.get(reverse(f"admin:{name}", args=[pk]))
            found[name] = len(queries)
        return found

    drafted(oura)
    few = asked()
    needs = [{"feature": f"feature {n}", "any_of": [people.EVERYTHING[n % 8]]} for n in range(30)]
    for number in range(12):
        more = {"requested": list(people.EVERYTHING[: number % 8]), "requirements": needs[:number]}
        people.policy_for("oura", more, now=timezone.now())
    people.take_in(*(people.consent(f"p{n}", "oura", people.EVERYTHING[: n % 8]) for n in range(30)))
    for _ in range(10):
        drafted(oura, {"requested": ["daily"], "requirements": needs})
    assert asked() == few
    assert max(few.values()) <= 16
