"""A waiver, from the act to the morning after its last day: the records, the verdict and the nightly audit."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from scopes import flow, nightly
from scopes.audit import report
from scopes.catalogue import provider_named
from scopes.facts import ScopesChanged
from scopes.intake.recording.waivers import LONGEST_DAYS, CannotWaive, WaiverEnded, waivable
from scopes.judge.rules import RECOMMENDED, Policy, Requirement, StandingFacts, judge
from scopes.models import AuditRun, Connection, Period, TrailEntry, Verdict, Waiver
from scopes.models.trail import Act
from scopes.reasons import CHOSEN, Health
from tests import cast as people
from tests.intake.recording.periods import checked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

NOW = people.NOW
LAST_DAY = date(2027, 1, 31)


def act(reason: str = "She does not want her heart looked at.", ticket: str = "T-7") -> Act:
    return Act(User.objects.get_or_create(username="rex")[0], reason, ticket)


def waive(name: str = "ben", need: str = "heartrate", until: date = LAST_DAY) -> Waiver:
    return flow.waive(people.connection_of(name), need, until, act(), NOW)


def health(name: str = "ben") -> tuple[str, list[str]]:
    row = people.connection_of(name)
    verdict = Verdict.objects.get(standing=row.standing, policy_version=row.integration.policy_version)
    return verdict.health, verdict.missing


def audit(on: date) -> AuditRun:
    seconds = count()
    start = NOW.replace(year=on.year, month=on.month, day=on.day, hour=2)
    return nightly.run(
        [],
        offline=True,
        clock=lambda: start + timedelta(seconds=next(seconds)),
        on_page=lambda _users: None,
    )


def test_a_waiver_turns_blocked_into_reduced_and_is_a_fact_like_any_other() -> None:
    assert health() == ("blocked", ["heartrate=declined"])

    waiver = waive()

    assert health() == ("reduced", ["heartrate=waived"])
    newest = checked(people.connection_of("ben"))[-1]
    assert (newest.origin, newest.origin_record, newest.since) == ("act", f"waiver:{waiver.pk}", NOW)
    entry = TrailEntry.objects.get(verb="need.waived")
    assert (entry.actor_name, entry.subject, entry.ticket) == ("rex", "heartrate", "T-7")
    assert (entry.person, entry.detail["until"]) == (people.the("ben"), "2027-01-31")


def test_ended_by_hand_the_need_is_missing_again() -> None:
    waiver = waive()

    flow.end_waiver(waiver, act("She changed her mind."), NOW + timedelta(days=1))

    assert health() == ("blocked", ["heartrate=declined"])
    waiver.refresh_from_db()
    assert waiver.ended_at == NOW + timedelta(days=1)
    assert TrailEntry.objects.get(verb="waiver.ended").reason == "She changed her mind."
    with pytest.raises(WaiverEnded):
        flow.end_waiver(waiver, act(), NOW + timedelta(days=2))
    assert TrailEntry.objects.filter(verb="waiver.ended").count() == 1


def test_it_ends_at_the_first_audit_after_its_last_day_and_not_on_it() -> None:
    waive()

    audit(LAST_DAY)
    assert health() == ("reduced", ["heartrate=waived"])

    audit(LAST_DAY + timedelta(days=1))
    assert health() == ("blocked", ["heartrate=declined"])
    entry = TrailEntry.objects.get(verb="waiver.expired")
    assert (entry.actor, entry.actor_name, entry.person) == (None, "nightly audit", people.the("ben"))

    audit(LAST_DAY + timedelta(days=2))
    assert TrailEntry.objects.filter(verb="waiver.expired").count() == 1
    assert Period.objects.filter(connection=people.connection_of("ben")).count() == 3


def test_several_that_end_in_one_night_open_one_period_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "BATCH", 2)
    heartless = ("email", "personal", "tag", "session", "spo2")
    people.take_in(*(people.consent(f"twin-{n}", "oura", heartless) for n in range(5)))
    for twin in range(5):
        waive(f"twin-{twin}", "heartrate")
        if twin % 2:
            waive(f"twin-{twin}", "daily")

    assert flow.end_waivers(NOW + timedelta(days=400)) == 5

    for twin in range(5):
        assert len(checked(people.connection_of(f"twin-{twin}"))) == (4 if twin % 2 else 3)
    assert not Connection.objects.exclude(standing__waived=[]).exists()


def test_the_audit_counts_waived_connections_separately() -> None:
    waive()

    run = audit(NOW.date() + timedelta(days=1))

    oura = run.counts["sources"]["terra:prod"]["integrations"]["oura"]
    assert (run.counts["waivers"], oura["waived"], oura["health"]["reduced"]) == (1, 1, 1)
    assert "blocked" not in [finding["code"] for finding in run.findings]
    lines = report.as_text(run).splitlines()
    assert "  1 active waiver" in lines
    assert "  1 of the reduced lacks only waived scopes" in lines


def test_a_connection_that_lacks_more_than_the_waived_is_not_counted_separately() -> None:
    people.take_in(ScopesChanged("oura", "ben-oura", NOW, removed=("workout",)))
    waive()

    run = audit(NOW.date() + timedelta(days=1))

    assert health() == ("reduced", ["heartrate=waived", "workout=removed_later"])
    assert run.counts["sources"]["terra:prod"]["waived"] == 0
    assert "lacks only waived scopes" not in report.as_text(run)


@pytest.mark.parametrize(
    ("name", "need", "until"),
    [
        ("ada", "heartrate", LAST_DAY),
        ("ben", "made-up", LAST_DAY),
        ("ben", "heartrate", NOW.date()),
        ("ben", "heartrate", NOW.date() + timedelta(days=LONGEST_DAYS + 1)),
    ],
    ids=["not missing", "no need", "today", "longer than a year"],
)
def test_a_need_that_is_no_choice_of_the_person_cannot_be_waived(name: str, need: str, until: date) -> None:
    with pytest.raises(CannotWaive):
        waive(name, need, until)
    assert not Waiver.objects.exists() and not TrailEntry.objects.filter(verb="need.waived").exists()


def test_a_need_is_waived_once() -> None:
    waive()
    with pytest.raises(CannotWaive):
        waive()
    assert Waiver.objects.count() == 1


def test_a_need_that_we_do_not_request_is_ours_to_fix_and_cannot_be_waived() -> None:
    people.policy_for("oura", {**people.OURA_POLICY, "requested": ["email", "daily"]})
    with pytest.raises(CannotWaive):
        waive()


def test_a_reauth_that_grants_it_makes_the_waiver_moot_and_breaks_nothing() -> None:
    waive()
    people.take_in(people.consent("ben", "oura", people.EVERYTHING, at=NOW + timedelta(days=2)))
    assert health() == ("ok", [])

    audit(LAST_DAY + timedelta(days=1))

    assert health() == ("ok", [])


REQUIREMENTS = [Requirement("sleep", ("daily",)), Requirement("log", ("workout",), RECOMMENDED)]


@pytest.mark.django_db(transaction=False)
@given(
    held=st.frozensets(st.sampled_from(["daily", "workout", "heartrate"])),
    waived=st.frozensets(st.sampled_from(["daily", "workout"]), min_size=1),
    requested=st.none() | st.frozensets(st.sampled_from(["daily", "workout"])),
)
def test_a_waiver_never_makes_a_required_need_better_than_reduced(
    held: frozenset[str], waived: frozenset[str], requested: frozenset[str] | None
) -> None:
    policy = Policy(provider_named("oura"), frozenset({"daily", "workout"}), None, tuple(REQUIREMENTS))
    before = judge(StandingFacts(1, reported=held), policy, requested)
    after = judge(StandingFacts(1, reported=held, waived=waived), policy, requested)

    if "daily" not in held:
        assert after.health is (Health.REDUCED if "daily" in waived else Health.BLOCKED)
    assert list(Health).index(after.health) <= list(Health).index(before.health), "never worse"
    assert waived.isdisjoint(waivable(after)), "what is waived is not waived again"
    assert {line.reason for line in before.lines if line.held is False} <= CHOSEN
