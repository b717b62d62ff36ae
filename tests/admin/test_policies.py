"""Policies in the admin: drafted, weighed, published, taken back; and what is asked for beyond the needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from scopes.judge.policy import draft
from scopes.models import Integration, PolicyVersion
from tests import cast as people
from tests.admin.drafts import NEEDS_STRESS, drafted, in_force, read
from tests.admin.reading import words_of


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


def test_an_earlier_draft_of_the_same_author_is_superseded(oura: Integration, engineer: Client) -> None:
    for _ in range(2):
        drafted(oura)
    draft(oura, NEEDS_STRESS, author="Quinn", now=timezone.now())
    page = read(engineer, "policies", oura.pk)
    assert [page.count(state) for state in (" Draft drafted", "Superseded draft drafted")] == [2, 1]
    assert "Policy 3 Superseded draft" in page


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
