"""The database itself refuses what cannot be, whoever asks: each named constraint once, and each trigger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, models
from django.db.models import F

from scopes.models import (
    Attempt,
    AuditRun,
    Connection,
    Delivery,
    DontContact,
    FormerId,
    Incident,
    Integration,
    JobFailure,
    LinkEvent,
    Listing,
    LiveCheck,
    Merge,
    Period,
    Person,
    PolicyVersion,
    Provider,
    QuarantinedFact,
    ReauthLink,
    ReferenceConflict,
    Refusal,
    Scope,
    Source,
    Standing,
    SuspectedDuplicate,
    Suspicion,
    Token,
    TrailEntry,
    UnknownScope,
    Verdict,
    Waiver,
)
from tests.cast import NOW, OURA_POLICY, connection_of, integration_of, policy_for, terra, the

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)
EARLIER = NOW - timedelta(days=1)


def link(**changes: Any) -> ReauthLink:
    base: dict[str, Any] = {
        "public_id": uuid4().hex[:22],
        "secret_hash": b"hash",
        "person": the("Ben"),
        "integration": integration_of("oura"),
        "author": "Rex",
        "reason": "He asked for it.",
        "created_at": NOW,
        "expires_at": LATER,
    }
    return ReauthLink.objects.create(**base | changes)


def attempt(**changes: Any) -> Attempt:
    return Attempt.objects.create(**{"source": terra(), "key": uuid4().hex, "started_at": NOW} | changes)


def waiver(**changes: Any) -> Waiver:
    base: dict[str, Any] = {
        "connection": connection_of("Ben"),
        "need": "heartrate",
        "until": LATER.date(),
        "reason": "He does not want to.",
        "author": "Rex",
        "created_at": NOW,
    }
    return Waiver.objects.create(**base | changes)


def link_event(**changes: Any) -> LinkEvent:
    base: dict[str, Any] = {"integration": integration_of("oura"), "user_id": "x", "happened_at": NOW, "what": "gone"}
    return LinkEvent.objects.create(**base | changes)


def dont_contact(**changes: Any) -> DontContact:
    base: dict[str, Any] = {"person": the("Ben"), "reason": "He asked for it.", "author": "Rex", "created_at": NOW}
    return DontContact.objects.create(**base | changes)


def delivery(**changes: Any) -> Delivery:
    base = {"source": terra(), "digest": uuid4(), "kind": "auth", "signed_at": NOW, "received_at": NOW}
    return Delivery.objects.create(**base | changes)


def suspicion(**changes: Any) -> Suspicion:
    base: dict[str, Any] = {"integration": integration_of("oura"), "scope": "daily", "consents": 20, "since": NOW}
    return Suspicion.objects.create(**base | {"found_at": NOW, "counted_at": NOW} | changes)


def live_check(**changes: Any) -> LiveCheck:
    base: dict[str, Any] = {
        "connection": connection_of("Ben"),
        "user_id": "ben-oura",
        "author": "Rex",
        "asked_at": NOW,
    }
    return LiveCheck.objects.create(**base | changes)


def walk() -> Listing:
    listing, _ = Listing.objects.get_or_create(source=Source.objects.get(), started_at=NOW, finished_at=NOW)
    return listing


def incident(**changes: Any) -> Incident:
    facts = {"integration": Integration.objects.first(), "listing": walk(), "broken": 60, "working": 90}
    return Incident.objects.create(**{**facts, "opened_at": NOW, **changes})


def held(**changes: Any) -> QuarantinedFact:
    row = Connection.objects.order_by("pk").first()
    assert row
    facts = {"listing": walk(), "integration": row.integration, "connection": row, "state": "inactive"}
    return QuarantinedFact.objects.create(**{**facts, "happened_at": NOW, **changes})


def refusal(**changes: Any) -> Refusal:
    base: dict[str, Any] = {"connection": connection_of("Ben"), "message": "no", "first_at": NOW, "last_at": NOW}
    return Refusal.objects.create(**base | changes)


def merge(**changes: Any) -> Merge:
    absorbed, survivor = connection_of("Ben"), connection_of("Ada")
    base: dict[str, Any] = {"absorbed": absorbed, "survivor": survivor, "why": "account", "merged_at": NOW}
    ids = {"absorbed_user_id": absorbed.user_id, "survivor_user_id": survivor.user_id}
    stood = {"joined": absorbed.standing, "standing": survivor.standing, "scopes_at": NOW, "link_at": NOW}
    return Merge.objects.create(**base | ids | stood | changes)


def suspected(**changes: Any) -> SuspectedDuplicate:
    base = {"first": connection_of("Ada"), "second": connection_of("Ben"), "found_at": NOW}
    return SuspectedDuplicate.objects.create(**base | changes)


def other_reference(**changes: Any) -> ReferenceConflict:
    base = {"connection": connection_of("Ada"), "reference_id": "ref-ben", "first_at": NOW, "found_at": NOW}
    return ReferenceConflict.objects.create(**base | changes)


def run(**changes: Any) -> AuditRun:
    return AuditRun.objects.create(**{"started_at": NOW} | changes)


def entry(**changes: Any) -> TrailEntry:
    return TrailEntry.objects.create(**{"at": NOW, "verb": "looked", "actor_name": "Vera"} | changes)


def version(**changes: Any) -> PolicyVersion:
    base: dict[str, Any] = {"integration": integration_of("oura"), "number": 9, "content": {}, "author": "Pat"}
    return PolicyVersion.objects.create(**base | {"created_at": NOW} | changes)


def token(**changes: Any) -> Token:
    base: dict[str, Any] = {"connection": connection_of("Ben"), "granted_in": "claim", "obtained_at": NOW}
    return Token.objects.create(**base | {"access": b"encrypted", "key_id": "1"} | changes)


def again(row: models.Model | None, **changes: Any) -> None:
    """The same row once more."""
    assert row is not None
    row.pk = None
    row._state.adding = True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def of_ben(**changes: Any) -> None:
    Period.objects.filter(connection=connection_of("Ben")).update(**changes)


def twice(make: Callable[..., object], **changes: Any) -> None:
    make(**changes)
    make(**changes)


REFUSED: dict[str, Callable[[], object]] = {
    "one_live_link_per_person_and_integration": lambda: twice(link),
    "link_expires_after_it_began": lambda: link(expires_at=NOW),
    "a_settled_link_has_an_outcome": lambda: link(settled_at=NOW),
    "link_has_a_reason": lambda: link(reason=""),
    "attempt_is_open_or_ended": lambda: attempt(ended_at=NOW),
    "standing_link_known": lambda: again(Standing.objects.first(), digest=uuid4(), link="asleep"),
    "connection_once_per_source_id": lambda: again(Connection.objects.first()),
    "connection_has_a_source_id": lambda: again(Connection.objects.first(), user_id=""),
    "connection_merges_into_another": lambda: Connection.objects.update(merged_into=F("pk")),
    "one_open_period_per_connection": lambda: again(Period.objects.filter(until=None).first()),
    "period_ends_after_it_began": lambda: of_ben(until=F("since") - timedelta(seconds=1)),
    "period_origin_known": lambda: again(Period.objects.first(), until=LATER, origin="rumour"),
    "former_id_of_one_connection": lambda: twice(
        FormerId.objects.create,
        connection=connection_of("Ben"), integration=integration_of("oura"), user_id="old", replaced_at=NOW,
    ),
    "person_has_a_reference_id": lambda: Person.objects.create(reference_id="", created_at=NOW),
    "person_email_is_lower_case": lambda: Person.objects.create(reference_id="x", email="X@y.example", created_at=NOW),
    "one_open_waiver_per_need": lambda: twice(waiver),
    "waiver_says_what_and_why": lambda: waiver(reason=""),
    "one_dont_contact_mark_per_person": lambda: twice(dont_contact),
    "dont_contact_says_why": lambda: dont_contact(reason=""),
    "delivery_once_without_trace": lambda: twice(delivery, digest=uuid4()),
    "delivery_once_by_trace": lambda: twice(delivery, trace_id="trace"),
    "delivery_once_by_reused_trace": lambda: twice(delivery, trace_id="trace", digest=uuid4(), trace_reused=True),
    "delivery_is_processed_or_given_up": lambda: delivery(processed_at=NOW, given_up_at=NOW),
    "one_open_listing_per_source": lambda: twice(Listing.objects.create, source=terra(), started_at=NOW),
    "source_once": lambda: twice(Source.objects.create, kind="terra", name="other"),
    "source_kind_and_name_are_slugs": lambda: Source.objects.create(kind="Terra", name="Prod"),
    "provider_succeeds_another": lambda: Provider.objects.update(successor=F("pk")),
    "scope_once_per_provider": lambda: twice(
        Scope.objects.create, provider=integration_of("oura").provider, name="daily", label="Daily"
    ),
    "unknown_scope_once_per_provider": lambda: twice(
        UnknownScope.objects.create, provider=integration_of("oura").provider, name="odd", first_seen_at=NOW
    ),
    "integration_once_per_source": lambda: again(Integration.objects.first()),
    "policy_number_once_per_integration": lambda: twice(version),
    "policy_number_from_one": lambda: version(number=0),
    "only_a_published_policy_is_in_force": lambda: version(in_force_from=NOW),
    "policy_has_an_author": lambda: version(author=""),
    "one_open_audit_run": lambda: twice(run),
    "audit_run_is_running_or_finished": lambda: run(finished_at=NOW),
    "job_failure_says_why": lambda: JobFailure.objects.create(job=1, at=NOW, words=""),
    "trail_says_who_did_what": lambda: entry(actor_name=""),
    "one_open_suspicion_per_scope": lambda: twice(suspicion),
    "suspicion_is_open_or_ended": lambda: suspicion(ended_at=NOW),
    "suspicion_is_ended_by_somebody_and_why": lambda: suspicion(state="dismissed", ended_at=NOW, author="Vera"),
    "live_check_waits_or_is_answered": lambda: live_check(answered_at=NOW),
    "live_check_has_an_author": lambda: live_check(author=""),
    "one_open_incident_per_integration": lambda: twice(incident),
    "incident_is_open_or_ended": lambda: incident(ended_at=NOW),
    "incident_is_ended_by_somebody_and_why": lambda: incident(state="released", ended_at=NOW, author="rex"),
    "quarantined_once_for_listing_and_connection": lambda: twice(held),
    "quarantined_state_breaks": lambda: held(state="active"),
    "refusal_once_per_kind_of_data": lambda: twice(refusal),
    "refusal_is_last_after_first": lambda: refusal(last_at=EARLIER),
    "one_open_merge_per_connection": lambda: twice(merge),
    "merge_joins_two": lambda: merge(survivor=connection_of("Ben")),
    "agent_merges_by_name_and_says_why": lambda: merge(why="agent", author="Rex"),
    "merge_is_undone_by_somebody_and_why": lambda: merge(unmerged_at=LATER, unmerged_by="Rex"),
    "suspected_once_per_pair": lambda: twice(suspected),
    "suspected_in_the_order_of_recording": lambda: suspected(
        first=connection_of("Finn"), second=connection_of("Ada")
    ),
    "suspected_is_open_or_ended": lambda: suspected(ended_at=NOW),
    "marked_distinct_by_somebody_and_why": lambda: suspected(state="distinct", ended_at=NOW, author="Rex"),
    "reference_conflict_once": lambda: twice(other_reference),
    "reference_conflict_is_reported": lambda: other_reference(reference_id=""),
    "reference_conflict_is_dismissed_by_somebody_and_why": lambda: other_reference(ended_at=NOW, author="Vera"),
    "source_trouble_since_a_time": lambda: Source.objects.create(kind="terra", name="other", trouble="keys"),
    "token_is_there_until_it_ended": lambda: token(ended_at=NOW),
    "token_is_encrypted_by_a_key": lambda: token(key_id=""),
    "link_event_once": lambda: (link_event(), link_event()),
    "link_event_newest": lambda: (link_event(what="seen"), link_event(what="seen", happened_at=LATER)),
    "verdict_once": lambda: again(Verdict.objects.first()),
    "verdict_health_known": lambda: again(Verdict.objects.first(), health="fine"),
    "verdict_helps_known": lambda: again(Verdict.objects.first(), helps="perhaps"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    with pytest.raises(IntegrityError, match=f'constraint "{name}"'):
        REFUSED[name]()


def test_every_named_constraint_is_tested_above() -> None:
    tables = apps.get_app_config("scopes").get_models()

    assert {constraint.name for table in tables for constraint in table._meta.constraints} == REFUSED.keys()


@pytest.mark.parametrize(
    "allowed",
    [
        lambda: (link(withdrawn_at=NOW), link(settled_at=NOW, outcome="fixed"), link()),
        lambda: (waiver(ended_at=NOW), waiver(), waiver(need="daily")),
        lambda: (dont_contact(lifted_at=NOW), dont_contact()),
        lambda: (attempt(state="failed", ended_at=NOW), attempt()),
        lambda: (delivery(trace_id="a"), delivery(trace_id="b"), delivery(), delivery()),
        lambda: (run(state="done", finished_at=LATER), run(state="failed", finished_at=LATER), run()),
        lambda: (merge(unmerged_at=LATER, unmerged_by="Rex", unmerged_reason="Two."), merge()),
        lambda: again(Connection.objects.filter(user_id="ben-oura").first(), merged_into=connection_of("Ada")),
    ],
    ids=["links", "waivers", "marks", "attempts", "deliveries", "runs", "merges", "a merged connection"],
)
def test_the_database_allows_what_can_be(cast: Source, allowed: Callable[[], object]) -> None:
    allowed()


CHANGED: dict[str, Callable[[], object]] = {
    "standing": lambda: Standing.objects.update(plan="gold"),
    "verdict": lambda: Verdict.objects.update(health="ok"),
    "content of a published policy": lambda: PolicyVersion.objects.exclude(published_at=None).update(content={}),
    "date of a published policy": lambda: PolicyVersion.objects.exclude(published_at=None).update(in_force_from=NOW),
    "content of a draft": lambda: (version(), PolicyVersion.objects.filter(published_at=None).update(content={"a": 1})),
    "closed period": lambda: Period.objects.exclude(until=None).update(until=LATER),
    "standing of an open period": lambda: of_ben(standing=connection_of("Ada").standing),
    "origin of an open period": lambda: of_ben(origin="act"),
    "beginning of an open period": lambda: of_ben(since=EARLIER),
    "ids of a merge": lambda: (merge(), Merge.objects.update(absorbed_user_id="other")),
    "a merge that was parted": lambda: (
        merge(unmerged_at=LATER, unmerged_by="Rex", unmerged_reason="Two."),
        Merge.objects.update(unmerged_at=None, unmerged_by="", unmerged_reason=""),
    ),
    "answer of a live check": lambda: (
        live_check(answered_at=NOW, answer="known"),
        LiveCheck.objects.update(answer="not_found"),
    ),
    "author of a live check": lambda: (live_check(), LiveCheck.objects.update(author="Vera")),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_written_once_stays_as_it_was_written(cast: Source, what: str) -> None:
    with pytest.raises(IntegrityError, match="rows are never changed"):
        CHANGED[what]()


def test_a_period_may_be_closed_and_a_draft_published(cast: Source) -> None:
    of_ben(until=LATER)
    assert policy_for("oura", OURA_POLICY, now=LATER).published_at == LATER
