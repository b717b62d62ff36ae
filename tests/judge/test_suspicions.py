"""A suspicion is found when nobody of a cohort holds a scope, ends by itself or by somebody, and changes no verdict."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes import flow
from scopes.catalogue import default
from scopes.facts import ScopesChanged
from scopes.judge import suspicions
from scopes.judge.overview_text import as_data, as_text
from scopes.judge.person import overview_of
from scopes.judge.suspicions import Reviewed, SuspicionEnded
from scopes.models import Connection, Suspicion, TrailEntry, Verdict
from scopes.models.trail import Act
from scopes.reauth.target import target_of
from tests.cast import EVERYTHING, NOW, OURA_POLICY, connection_of, consent, integration_of, policy_for, take_in, the

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

WITHOUT = tuple(scope for scope in EVERYTHING if scope != "heartrate")
RECENTLY = NOW - timedelta(days=17)


def consents(number: int, scopes: tuple[str, ...] | None = WITHOUT, at: datetime = RECENTLY, first: int = 0) -> None:
    """That many people consent, one a minute."""
    numbers = range(first, first + number)
    take_in(*(consent(f"n{one}", "oura", scopes, at + timedelta(minutes=one - first)) for one in numbers))


def opened() -> list[str]:
    return list(Suspicion.objects.filter(state="open").values_list("scope", flat=True))


@pytest.fixture
def suspicion() -> Suspicion:
    consents(41)
    suspicions.review(NOW)
    return Suspicion.objects.get(state="open")


@pytest.fixture
def act() -> Act:
    return Act(User.objects.create_user("erin"), "The console lacks it.", "T-7")


def test_a_scope_that_none_of_twenty_holds_is_suspected_with_its_numbers() -> None:
    consents(19)
    assert suspicions.review(NOW) == Reviewed(found=0, closed=0, open=0)

    consents(1, first=19)
    assert suspicions.review(NOW) == Reviewed(found=1, closed=0, open=1)

    suspicion = Suspicion.objects.get()
    assert (suspicion.scope, suspicion.consents, suspicion.since, suspicion.integration) == (
        "heartrate", 20, RECENTLY, integration_of("oura"),
    )  # fmt: skip
    assert suspicions.sentence_of(suspicion) == (
        "none of 20 people who consented since 3 Nov 2026 has it. The provider or our console may no longer offer it."
    )


@pytest.mark.parametrize(
    ("scopes", "at"),
    [
        pytest.param(EVERYTHING, RECENTLY, id="somebody holds it"),
        pytest.param(("extapi:heartrate",), RECENTLY, id="somebody holds it under another name"),
    ],
)
def test_one_who_holds_it_is_proof_that_it_is_offered(scopes: tuple[str, ...], at: datetime) -> None:
    consents(40)
    consents(1, scopes, at, first=40)
    suspicions.review(NOW)
    assert "heartrate" not in opened()


def test_somebody_who_held_it_and_lost_it_counts_as_holding_it() -> None:
    consents(40)
    consents(1, EVERYTHING, first=40)
    take_in(ScopesChanged("oura", "n40-oura", RECENTLY + timedelta(hours=1), removed=("heartrate",)))
    assert not Connection.objects.filter(user_id="n40-oura", standing__reported__contains=["heartrate"]).exists()
    suspicions.review(NOW)
    assert opened() == []


def test_who_consented_long_ago_or_reports_nothing_is_not_counted() -> None:
    consents(40, at=NOW - timedelta(days=31))
    consents(40, None, first=40)
    suspicions.review(NOW)
    assert opened() == []


def test_consents_whose_screen_did_not_request_it_do_not_count() -> None:
    asked = [scope for scope in EVERYTHING if scope != "heartrate"]
    policy_for("oura", {**OURA_POLICY, "requested": asked}, since=NOW - timedelta(days=20))
    policy_for("oura", OURA_POLICY, since=NOW - timedelta(days=10))
    consents(40)
    consents(19, at=NOW - timedelta(days=5), first=40)
    suspicions.review(NOW)
    assert opened() == []

    consents(1, at=NOW - timedelta(days=4), first=59)
    suspicions.review(NOW)
    assert list(Suspicion.objects.values_list("scope", "consents")) == [("heartrate", 20)]


def test_a_scope_that_is_not_approved_or_not_requested_is_not_suspected() -> None:
    consents(40)
    policy_for("oura", {**OURA_POLICY, "approved": list(WITHOUT)})
    suspicions.review(NOW)
    assert opened() == []
    policy_for("oura", {**OURA_POLICY, "requested": list(WITHOUT)})
    suspicions.review(NOW)
    assert opened() == []


def test_it_is_counted_anew_each_night_and_there_is_one(suspicion: Suspicion) -> None:
    consents(5, at=NOW, first=41)
    later = NOW + timedelta(days=1)
    assert suspicions.review(later) == Reviewed(found=0, closed=0, open=1)
    suspicion.refresh_from_db()
    assert (suspicion.consents, suspicion.counted_at, suspicion.found_at) == (46, later, NOW)


def test_it_closes_by_itself_when_somebody_holds_it_again(suspicion: Suspicion) -> None:
    consents(1, EVERYTHING, NOW, first=41)
    assert suspicions.review(NOW + timedelta(hours=1)) == Reviewed(found=0, closed=1, open=0)
    suspicion.refresh_from_db()
    assert (suspicion.state, suspicion.reason) == ("closed", suspicions.HELD_AGAIN)


def test_it_closes_by_itself_when_too_few_are_left(suspicion: Suspicion) -> None:
    suspicions.review(NOW + timedelta(days=30))
    suspicion.refresh_from_db()
    assert (suspicion.state, suspicion.reason) == ("closed", suspicions.NO_LONGER_SO)


def test_a_dismissed_one_is_not_raised_for_the_same_people_and_is_for_others(suspicion: Suspicion, act: Act) -> None:
    suspicions.dismiss(suspicion.pk, act, NOW)
    assert suspicions.review(NOW + timedelta(days=1)) == Reviewed(found=0, closed=0, open=0)

    consents(40, at=NOW + timedelta(days=20), first=41)
    suspicions.review(NOW + timedelta(days=29))
    assert opened() == []
    suspicions.review(NOW + timedelta(days=31))
    assert opened() == ["heartrate"]
    entry = TrailEntry.objects.get(verb="suspicion.dismissed")
    assert (entry.actor, entry.reason, entry.ticket, entry.subject) == (act.author, act.reason, "T-7", "heartrate")


def test_a_suspicion_changes_no_verdict_until_it_is_confirmed(suspicion: Suspicion, act: Act) -> None:
    assert reason_of_ben() == "declined"
    version = flow.confirm_suspicion(suspicion.pk, act, NOW)

    assert reason_of_ben() == "not_approved"
    assert version.content["approved"] == sorted(WITHOUT)
    assert "The console lacks it." in version.note and version.author == "erin"
    assert Suspicion.objects.get().state == "confirmed"
    assert suspicions.review(NOW + timedelta(days=1)) == Reviewed(found=0, closed=0, open=0)
    assert TrailEntry.objects.filter(verb__in=["suspicion.confirmed", "policy.published"], at=NOW).count() >= 2


def test_what_implies_the_scope_is_not_approved_either() -> None:
    strava = default().provider("strava")
    requested = ["activity:read", "activity:read_all", "read"]
    version = policy_for("strava", {"requested": requested, "requirements": []})
    assert "activity:read" in strava.held(frozenset(["activity:read_all"]))
    assert suspicions.without(version, "activity:read")["approved"] == ["read"]


def test_what_ended_cannot_be_ended_again(suspicion: Suspicion, act: Act) -> None:
    suspicions.dismiss(suspicion.pk, act, NOW)
    with pytest.raises(SuspicionEnded, match="dismissed"):
        suspicions.dismiss(suspicion.pk, act, NOW)
    before = integration_of("oura").policy_version
    with pytest.raises(SuspicionEnded):
        flow.confirm_suspicion(suspicion.pk, act, NOW)
    assert integration_of("oura").policy_version == before


def test_the_preflight_warns_and_does_not_refuse(suspicion: Suspicion) -> None:
    target = target_of(the("Ben"), integration_of("oura"), NOW, connection_of("Ben"), at_most=3)
    assert target.preflight.allowed
    assert f"Heart rate may not be available: {suspicions.sentence_of(suspicion)}" in target.preflight.warnings


def test_it_is_shown_only_to_those_who_lack_the_scope(suspicion: Suspicion) -> None:
    text = f"Suspicion: {suspicions.sentence_of(suspicion)}"
    assert text in as_text(overview_of(the("Ben"))) and text not in as_text(overview_of(the("Ada")))
    (ben,) = as_data(overview_of(the("Ben")))["connections"]
    assert {line["scopes"][0]: line["suspicions"] for line in ben["scopes"] if line["suspicions"]} == {
        "heartrate": [suspicions.sentence_of(suspicion)]
    }
    assert "Suspicion:" not in as_text(overview_of(the("Ben"), NOW))


def test_a_review_costs_the_same_for_twenty_people_and_for_two_hundred() -> None:
    def cost() -> int:
        suspicions.review(NOW)
        with CaptureQueriesContext(connection) as queries:
            suspicions.review(NOW)
        return len(queries)

    consents(20)
    few = cost()
    consents(200, first=20)
    assert cost() == few


def reason_of_ben() -> str:
    row = connection_of("Ben")
    verdict = Verdict.objects.get(standing=row.standing_id, policy_version=row.integration.policy_version_id)
    return next(str(line["reason"]) for line in verdict.lines if "heartrate" in line["scopes"])
