"""Policies are drafted, published, dated and taken back: verdicts are right at once, and no connection is touched."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from django.db import connection, transaction

from scopes import flow
from scopes.catalogue import Catalogue, default
from scopes.intake.recording import catalogue
from scopes.judge import policy
from scopes.judge.content import PolicyError
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import intern
from scopes.models import Connection, Integration, Period, Source, Standing, TrailEntry, Verdict
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
from tests.judge.policies import ASKS_FOR_STRESS, drafted, lacking_verdicts, missing

pytestmark = pytest.mark.django_db


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
    last = periods.checked(connection_of("Gus"))[-1]
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

    assert (back.number, back.note) == (4, "Restores policy 2.")
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


def test_a_changed_catalogue_publishes_the_same_policy_anew_and_rekeys_no_standing(cast: Source) -> None:
    catalogue.load(default(), NOW)
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

    loaded = catalogue.load(changed, NOW + timedelta(days=1))

    assert [line for line in loaded.judged_anew if line.startswith("Oura")] == [
        f"Oura through terra:prod, policy {number + 1}"
    ]
    assert missing("Gus") == []
    assert list(Standing.objects.order_by("pk").values("pk", "digest")) == standings
    version = integration_of("oura").policy_version
    assert version is not None and version.in_force_from is None
    assert policy.outdated(NOW + timedelta(days=1)) == []


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
