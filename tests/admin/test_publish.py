"""Drafts: their impact, and publishing, which shows first what will happen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.admin import publish
from scopes.facts import ConsentGiven
from scopes.models import Integration, TrailEntry
from tests import cast as people
from tests.admin.drafts import NEEDS_STRESS, drafted, in_force, read
from tests.admin.reading import words_of


def test_the_impact_says_whom_it_concerns_why_and_how_many_a_link_could_fix(
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


def test_a_date_in_the_past_is_announced_and_moves_consents_since_then(oura: Integration, engineer: Client) -> None:
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
