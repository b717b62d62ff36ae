"""Policies are drafted, published, dated and taken back: verdicts are right at once, and no connection is touched."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from scopes import flow
from scopes.catalogue import Catalogue, default
from scopes.facts import LinkState
from scopes.intake.recording import catalogue
from scopes.judge import census, lookup, policy
from scopes.judge.content import PolicyError
from scopes.judge.impact import impact
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_from, intern
from scopes.judge.verdicts import LOCK, lock_policies
from scopes.models import Connection, Integration, Period, PolicyVersion, Source, Standing, TrailEntry, Verdict
from tests.cast import (
    CONSENTED,
    EVERYTHING,
    NOW,
    OURA_POLICY,
    connection_of,
    consent,
    integration_of,
    policy_for,
    take_in,
    terra,
)
from tests.concurrently import PATIENCE, at_once
from tests.intake.recording import periods

pytestmark = pytest.mark.django_db

STRESS = {"feature": "stress", "any_of": ["stress"], "level": "required"}
ASKS_FOR_STRESS: dict[str, Any] = {
    "requested": [*OURA_POLICY["requested"], "stress"],
    "requirements": [*OURA_POLICY["requirements"], STRESS],
}


def missing(name: str) -> list[str]:
    """What a verdict in force says that this person lacks."""
    row = connection_of(name)
    return list(row.standing.verdicts.get(policy_version=row.integration.policy_version_id).missing)


def drafted(content: dict[str, Any], now: datetime = NOW) -> PolicyVersion:
    return policy.draft(integration_of("oura"), content, author="Pat", now=now, note="Stress is new.")


def lacking_verdicts() -> int:
    """Standings that have no verdict under the policy in force."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM scopes_standing s JOIN scopes_integration i ON i.id = s.integration_id"
            " LEFT JOIN scopes_verdict v ON v.standing_id = s.id AND v.policy_version_id = i.policy_version_id"
            " WHERE v.id IS NULL"
        )
        return int(cursor.fetchone()[0])


def somebody_waits_for_me() -> bool:
    """Whether a statement waits for a lock that this connection holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


def test_a_new_integration_begins_with_an_empty_policy_that_was_never_shown(cast: Source) -> None:
    integration = integration_of("whoop")

    version = integration.policy_version
    assert version is not None
    assert (version.number, version.author, version.in_force_from) == (1, "catalogue", None)
    assert policy.ensure_integration(terra(), default().provider("whoop"), NOW) == integration


def test_a_draft_changes_no_verdict_in_force(cast: Source) -> None:
    before = missing("Ben")

    draft = drafted(ASKS_FOR_STRESS)

    assert (draft.number, draft.published_at) == (3, None)
    assert integration_of("oura").policy_version != draft
    assert missing("Ben") == before == ["heartrate=declined"]


def test_publishing_judges_every_standing_and_moves_one_pointer(cast: Source) -> None:
    before = list(Connection.objects.order_by("pk").values())

    version = policy_for("oura", ASKS_FOR_STRESS)

    assert integration_of("oura").policy_version == version
    assert version.in_force_from == version.published_at == NOW
    assert Verdict.objects.filter(policy_version=version).count() == Standing.objects.filter(
        integration=version.integration
    ).count()  # fmt: skip
    assert lacking_verdicts() == 0
    assert missing("Ada") == ["stress=requirement_raised"]
    assert list(Connection.objects.order_by("pk").values()) == before
    entry = TrailEntry.objects.get(verb="policy.published", detail__version=version.number)
    assert (entry.actor_name, entry.reason, entry.detail) == ("Pat", "For the tests.", {"version": 3, "before": 2})


def test_a_policy_that_requests_the_same_shows_no_new_screen(cast: Source) -> None:
    version = policy_for("oura", {**OURA_POLICY, "requirements": []})

    assert version.in_force_from is None
    assert missing("Ben") == []
    take_in(consent("gus", "oura", EVERYTHING, at=NOW + timedelta(days=1)))
    assert connection_of("Gus").standing.consent_version == connection_of("Ada").standing.consent_version


def test_a_date_in_the_past_moves_the_consents_since_then_and_no_others(cast: Source) -> None:
    take_in(consent("gus", "oura", EVERYTHING, at=CONSENTED + timedelta(days=20)))
    draft = drafted(ASKS_FOR_STRESS)

    moved = flow.publish(draft, now=NOW, in_force_from=CONSENTED + timedelta(days=10))

    assert moved == 1
    assert missing("Gus") == ["stress=declined"]
    assert missing("Ada") == ["stress=requirement_raised"]
    last = periods.told(connection_of("Gus"))[-1]
    assert (last.origin, last.origin_record, last.since) == ("policy", "policy:3", NOW)


def test_a_date_in_the_past_may_also_take_a_question_back(cast: Source) -> None:
    """The screen did not ask for heart rate for some days in March, as somebody finds out in November."""
    spring = CONSENTED + timedelta(days=-5)
    gap = {**OURA_POLICY, "requested": [scope for scope in EVERYTHING if scope != "heartrate"]}

    assert flow.publish(drafted(gap), now=NOW, in_force_from=spring) > 0
    assert missing("Ben") == ["heartrate=never_requested"]
    policy_for("oura", OURA_POLICY, now=NOW, since=CONSENTED + timedelta(days=5))

    assert missing("Ben") == ["heartrate=requirement_raised"]


def test_every_consent_of_many_batches_is_moved_once(cast: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "BATCH", 3)
    at = CONSENTED + timedelta(days=20)
    take_in(*(consent(f"crowd-{number}", "oura", EVERYTHING, at=at) for number in range(8)))

    assert flow.publish(drafted(ASKS_FOR_STRESS), now=NOW, in_force_from=at) == 8
    assert {missing(f"crowd-{number}")[0] for number in range(8)} == {"stress=declined"}


def test_taking_back_publishes_the_earlier_content_anew(cast: Source) -> None:
    before = integration_of("oura").policy_version
    assert before is not None
    policy_for("oura", ASKS_FOR_STRESS)

    back = policy.draft_to_restore(integration_of("oura"), before, author="Pat", now=NOW)
    flow.publish(back, now=NOW + timedelta(hours=1))

    assert (back.number, back.note) == (4, "Back to policy 2.")
    assert back.content == before.content
    assert (missing("Ada"), missing("Ben")) == ([], ["heartrate=declined"])


def test_the_same_version_is_published_once(cast: Source) -> None:
    version = policy_for("oura", ASKS_FOR_STRESS)

    with pytest.raises(PolicyError, match="policy 3 was published on 20 Nov 2026: draft it anew"):
        policy.publish(version, now=NOW + timedelta(days=1))


def test_a_version_that_fails_to_publish_leaves_the_one_in_force(cast: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    before = integration_of("oura").policy_version
    draft = drafted(ASKS_FOR_STRESS)
    monkeypatch.setattr(TrailEntry, "save", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        policy.publish(draft, now=NOW)

    draft.refresh_from_db()
    assert (integration_of("oura").policy_version, draft.published_at) == (before, None)


def test_the_impact_of_a_draft_is_what_a_hand_would_count(cast: Source) -> None:
    """Ada and Finn have all but stress, Ben lacks heart rate as well, Cy revoked. Nobody else is on Oura."""
    census.take(NOW)

    result = impact(drafted(ASKS_FOR_STRESS))

    assert (result.version, result.connections, result.counted_at) == (3, 4, NOW)
    assert result.health_now == {"ok": 2, "blocked": 1, "broken": 1}
    assert result.health == {"blocked": 3, "broken": 1}
    assert result.becoming == {"blocked": 2}
    assert result.fixable == 2
    assert result.missing == {"stress=requirement_raised": 4, "heartrate=declined": 1}


def test_before_the_first_census_an_impact_counts_nobody(cast: Source) -> None:
    result = impact(drafted(ASKS_FOR_STRESS))

    assert (result.connections, result.counted_at) == (0, None)


def test_a_changed_catalogue_publishes_the_same_policy_anew_and_rekeys_no_standing(cast: Source) -> None:
    catalogue.record(default(), NOW)
    take_in(consent("gus", "oura", tuple("PULSE" if scope == "heartrate" else scope for scope in EVERYTHING)))
    standings = list(Standing.objects.order_by("pk").values("pk", "digest"))
    assert missing("Gus") == ["heartrate=declined"]
    oura = default().provider("oura")
    scopes = tuple(
        replace(scope, aliases=(*scope.aliases, "PULSE")) if scope.name == "heartrate" else scope
        for scope in oura.scopes
    )
    changed = Catalogue(MappingProxyType({**default().providers, "oura": replace(oura, scopes=scopes)}))
    number = integration_of("oura").policy_version.number  # type: ignore[union-attr]

    loaded = catalogue.record(changed, NOW + timedelta(days=1))

    assert [line for line in loaded.judged_anew if line.startswith("Oura")] == [
        f"Oura through terra:prod, policy {number + 1}"
    ]
    assert missing("Gus") == []
    assert list(Standing.objects.order_by("pk").values("pk", "digest")) == standings
    version = integration_of("oura").policy_version
    assert version is not None and version.in_force_from is None
    assert policy.outdated(NOW + timedelta(days=1)) == []


def test_a_census_is_taken_anew_after_a_minute_only(cast: Source) -> None:
    counted = Connection.objects.count()
    assert census.take_if_old(NOW) == NOW
    take_in(consent("gus", "oura", EVERYTHING))

    assert census.take_if_old(NOW + timedelta(seconds=59)) == NOW
    assert census.take(NOW + timedelta(seconds=61)) == counted + 1
    assert census.taken_at() == NOW + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"health": "blocked"}, {"ben"}),
        ({"scope": "heartrate"}, {"ben"}),
        ({"scope": "heart"}, set()),
        ({"reason": "declined"}, {"ben"}),
        ({"scope": "heartrate", "reason": "declined"}, {"ben"}),
        ({"scope": "heartrate", "reason": "removed_later"}, set()),
        ({"reason": "revoked"}, {"cy"}),
        ({"reason": "provider_retired", "health": "broken"}, {"eve"}),
        ({"scope": "heartrate", "reason": "revoked"}, set()),
        ({"health": "ok"}, {"ada", "finn"}),
        ({}, {"ada", "ben", "cy", "dee", "eve", "finn"}),
    ],
)
def test_connections_are_found_by_their_verdict(cast: Source, filters: dict[str, str], found: set[str]) -> None:
    standings = lookup.standings_where(source=cast.pk, **filters)  # type: ignore[arg-type]

    assert {row.user_id.split("-")[0] for row in lookup.page(standings)} == found


def test_pages_of_connections_follow_each_other_without_a_gap_or_a_repeat(cast: Source) -> None:
    standings = lookup.standings_where()
    pages, after = [], 0
    while page := list(lookup.page(standings, after=after, size=3)):
        pages += [row.pk for row in page]
        after = page[-1].pk

    assert pages == sorted(Connection.objects.values_list("pk", flat=True))


ODD = frozenset({"null", "NULL", 'a "b"', "a\\b", "{x}", "a,b", "é", "\U0001f642"})


@pytest.mark.parametrize("reported", [None, frozenset(), ODD], ids=["not reported", "none granted", "odd names"])
def test_standings_are_shared_and_read_back_unchanged(cast: Source, reported: frozenset[str] | None) -> None:
    facts = StandingFacts(
        integration_of("oura").pk,
        LinkState.UNCONFIRMED,
        reported=reported,
        earlier=frozenset({"b", "a"}) if reported is None else ODD - reported,
        waived=frozenset({"a|b"}),
        plan="pro",
        unlisted=True,
    )

    pk = intern([facts, facts._replace()])[facts]

    assert intern([facts])[facts] == pk
    assert facts_from(Standing.objects.get(pk=pk)) == facts
    assert lacking_verdicts() == 0


def somebody_waits_to_publish() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE datname = current_database() AND classid = %s AND NOT granted)",
            [LOCK],
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_publication_that_waits_is_before_all_who_come_later() -> None:
    policy_for("oura", OURA_POLICY, now=datetime(2026, 1, 1, tzinfo=UTC))
    integration = integration_of("oura").pk
    version = drafted(ASKS_FOR_STRESS)

    def come_later() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '300ms'")
            lock_policies([integration])

    publishing = threading.Thread(target=lambda: at_once(lambda: policy.publish(version, now=NOW)))
    with transaction.atomic():
        lock_policies([integration])
        publishing.start()
        deadline = time.monotonic() + PATIENCE
        while not somebody_waits_to_publish():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(OperationalError, match="lock timeout"):
            at_once(come_later)
    publishing.join()

    assert lock_policies([integration]) == {integration: version.pk}


@pytest.mark.django_db(transaction=True)
def test_a_publication_misses_no_standing_that_is_made_at_the_same_time() -> None:
    policy_for("oura", OURA_POLICY, now=datetime(2026, 1, 1, tzinfo=UTC))
    integration = integration_of("oura")
    version = drafted(ASKS_FOR_STRESS)
    kinds = [
        StandingFacts(integration.pk, reported=frozenset({scope}), earlier=frozenset({f"lost {number}"}))
        for number, scope in enumerate(EVERYTHING * 8)
    ]

    at_once(
        lambda: [intern([facts]) for facts in kinds],
        lambda: [intern([facts]) for facts in reversed(kinds)],
        lambda: policy.publish(version, now=NOW),
    )

    assert Standing.objects.count() == len(kinds)
    assert Integration.objects.get().policy_version == version
    assert lacking_verdicts() == 0


@pytest.mark.django_db(transaction=True)
def test_a_publication_waits_for_a_standing_that_is_not_committed_yet() -> None:
    policy_for("oura", OURA_POLICY, now=datetime(2026, 1, 1, tzinfo=UTC))
    integration = integration_of("oura")
    version = drafted(ASKS_FOR_STRESS)
    made, published = threading.Event(), threading.Event()

    def make_a_standing() -> None:
        with transaction.atomic():
            intern([StandingFacts(integration.pk, reported=frozenset({"daily"}))])
            made.set()
            tries = 0
            while not somebody_waits_for_me():
                assert not published.wait(timeout=0.05)
                tries += 1
                assert tries < PATIENCE * 10

    def publish() -> None:
        assert made.wait(timeout=PATIENCE)
        policy.publish(version, now=NOW)
        published.set()

    at_once(make_a_standing, publish)

    assert published.is_set()
    assert Verdict.objects.filter(policy_version=version).count() == 1
    assert Period.objects.count() == 0
