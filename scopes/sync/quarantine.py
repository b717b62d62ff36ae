"""Broken links of many connections in one listing are quarantined: they may be an error of the source.

While a listing is walked, connections that it reports as broken become quarantined facts, and so do, at its end, the
ones that it lacks. Then each integration is weighed: few facts are applied at once, many open an incident, in which
somebody decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from scopes.facts import ConnectionFact, Fact, LinkChanged, LinkState, Origin, OriginKind
from scopes.flow import Batches
from scopes.intake.recording.recorded import Broken
from scopes.models import Incident, Listing, QuarantinedFact, Source
from scopes.models.arrays import numbers, texts, times
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.outbox import announce

MANY, SHARE = 50, 0.05
BATCH = 500
AT_ONCE = 3000
DETAILS = {LinkState.INACTIVE: "listed as inactive", LinkState.UNCONFIRMED: "not in the listing"}
LISTED = "found by the listing"

Clock = Callable[[], datetime]


class IncidentEnded(Exception):
    """The incident has already ended."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """How many connections of a listing are absent or broken, and how many more of them are quarantined."""

    unconfirmed: int
    inactive: int
    quarantined: int


def add(listing: Listing, broken: Sequence[Broken]) -> None:
    """Quarantine that the links of these working connections were listed as broken."""
    if not broken:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_quarantinedfact (listing_id, connection_id, integration_id, state, happened_at)
            SELECT %s, connection, integration, state, at
            FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[])
                 quarantined (connection, integration, state, at)
            ON CONFLICT DO NOTHING
            """,
            [
                listing.pk,
                numbers(pk for pk, *_ in broken),
                numbers(integration for _, integration, *_ in broken),
                texts(state for *_, state in broken),
                times(at for _, _, at, _ in broken),
            ],
        )


ABSENT = """
    INSERT INTO scopes_quarantinedfact (listing_id, connection_id, integration_id, state, happened_at)
    SELECT %(listing)s, c.id, c.integration_id, 'unconfirmed', %(began)s
    FROM scopes_connection c
    JOIN scopes_integration integration ON integration.id = c.integration_id
    JOIN scopes_standing standing ON standing.id = c.standing_id
    WHERE integration.source_id = %(source)s AND c.merged_into_id IS NULL AND standing.link = 'active'
      AND c.first_seen_at < %(began)s
      AND CASE WHEN c.id / 8 < length(%(seen)s::bytea) THEN get_bit(%(seen)s::bytea, c.id) = 0 ELSE true END
    ON CONFLICT DO NOTHING
"""

WEIGH = """
    SELECT quarantined.integration_id, quarantined.absent, quarantined.inactive, coalesce(working.working, 0)
    FROM (
        SELECT integration_id, count(*) FILTER (WHERE state = 'unconfirmed') AS absent,
               count(*) FILTER (WHERE state <> 'unconfirmed') AS inactive
        FROM scopes_quarantinedfact WHERE listing_id = %(listing)s GROUP BY 1
    ) quarantined
    LEFT JOIN (
        SELECT c.integration_id, count(*) AS working
        FROM scopes_connection c
        JOIN scopes_standing standing ON standing.id = c.standing_id
        JOIN scopes_integration integration ON integration.id = c.integration_id
        WHERE integration.source_id = %(source)s AND c.merged_into_id IS NULL
          AND standing.link IN ('active', 'unconfirmed')
        GROUP BY 1
    ) working USING (integration_id)
"""


@in_transaction
def weigh(source: Source, listing: Listing, seen: bytes, now: datetime) -> Weighed:
    """Decide which facts of a complete listing are believed. `seen`: a bitmap of the connections in it.

    Those are left for `believed_facts`; the others are in an open incident afterwards, one for each integration.
    """
    parameters: dict[str, int | datetime | bytes] = {
        "source": source.pk,
        "listing": listing.pk,
        "began": listing.started_at,
        "seen": seen,
    }
    with connection.cursor() as cursor:
        cursor.execute(ABSENT, parameters)
        cursor.execute(WEIGH, parameters)
        counts = {pk: (absent, inactive, working) for pk, absent, inactive, working in cursor.fetchall()}
        too_many = {
            pk: (absent + inactive, working)
            for pk, (absent, inactive, working) in counts.items()
            if absent + inactive > max(MANY, working * SHARE)
        }
        before = Incident.objects.select_for_update().filter(integration__source=source, state=Incident.State.OPEN)
        known = {incident.integration_id: incident for incident in before.order_by("pk")}
        for integration, incident in known.items():
            QuarantinedFact.objects.filter(integration=integration, listing=incident.listing_id).exclude(
                listing=listing
            ).delete()
            if integration not in too_many:
                incident.state, incident.ended_at = Incident.State.CLOSED, now
                incident.save(update_fields=["state", "ended_at"])
                announce.incident(incident, now)
        for integration, (broken, working) in sorted(too_many.items()):
            incident = known.get(integration) or Incident(integration_id=integration, opened_at=now)
            is_news = integration not in known or (incident.broken, incident.working) != (broken, working)
            incident.listing, incident.broken, incident.working = listing, broken, working
            incident.save()
            if is_news:
                announce.incident(incident, now)
    believed = [count for pk, count in counts.items() if pk not in too_many]
    return Weighed(
        unconfirmed=sum(absent for absent, _, _ in believed),
        inactive=sum(inactive for _, inactive, _ in believed),
        quarantined=sum(broken for broken, _ in too_many.values()),
    )


def believed_facts(source: Source) -> Iterator[tuple[list[int], Origin, list[ConnectionFact]]]:
    """The quarantined facts that may be applied, batch by batch: of finished listings, where no incident is open.

    Each batch comes with the ids of the rows to delete once it is recorded.
    """
    believed = (
        QuarantinedFact.objects.filter(integration__source=source, listing__finished_at__isnull=False)
        .exclude(integration__incidents__state=Incident.State.OPEN)
        .order_by("listing", "integration")
    )
    for listing, integration, slug in list(
        believed.values_list("listing", "integration", "integration__provider__slug").distinct()
    ):
        origin = Origin(source.key, OriginKind.LISTING, f"listing:{listing}")
        rows = QuarantinedFact.objects.filter(listing=listing, integration=integration).order_by("connection")
        last = 0
        while batch := list(
            rows.filter(connection__gt=last).values_list(
                "pk", "connection", "connection__user_id", "state", "happened_at"
            )[:BATCH]
        ):
            last = batch[-1][1]
            yield (
                [pk for pk, *_ in batch],
                origin,
                [
                    LinkChanged(
                        slug, user_id, LinkState(state), happened_at, detail=DETAILS.get(LinkState(state), LISTED)
                    )
                    for _, _, user_id, state, happened_at in batch
                ],
            )


def apply_believed(source: Source, clock: Clock, most: int | None = None) -> int:
    """Apply the quarantined facts that are believed, at most `most` or a little more; to how many connections.

    Each batch is applied and deleted in one transaction, so after an interruption the next call continues.
    """
    take_in, applied = Batches(source), 0

    @in_transaction
    def apply(quarantined: Sequence[int], origin: Origin, facts: Sequence[Fact]) -> None:
        take_in(facts, origin, clock())
        QuarantinedFact.objects.filter(pk__in=quarantined).delete()

    for quarantined, origin, facts in believed_facts(source):
        apply(quarantined, origin, facts)
        applied += len(quarantined)
        if most is not None and applied >= most:
            break
    return applied


def release(pk: int, act: Act, clock: Clock) -> int:
    """The facts are true after all: apply what the incident quarantined; to how many connections so far.

    The first thousands at once; a worker or the next night applies the rest. Raises IncidentEnded.
    """
    incident = _end(pk, Incident.State.RELEASED, act, clock())
    return apply_believed(incident.integration.source, clock, AT_ONCE)


@in_transaction
def discard(pk: int, act: Act, now: datetime) -> Incident:
    """The facts were an error: delete what the incident quarantined. Raises IncidentEnded."""
    incident = _end(pk, Incident.State.DISCARDED, act, now)
    QuarantinedFact.objects.filter(listing=incident.listing_id, integration=incident.integration_id).delete()
    return incident


@in_transaction
def _end(pk: int, state: Incident.State, act: Act, now: datetime) -> Incident:
    incident = Incident.objects.select_for_update().get(pk=pk)
    if incident.state != Incident.State.OPEN:
        raise IncidentEnded(f"This incident has already ended: {incident.get_state_display().lower()}.")
    incident.state, incident.ended_at = state, now
    incident.author, incident.reason, incident.ticket = act.name, act.reason, act.ticket
    incident.save()
    announce.incident(incident, now)
    act.entry(
        f"incident.{state.value}",
        now,
        integration_id=incident.integration_id,
        subject=str(incident.integration)[:200],
        detail={"incident": incident.pk, "broken": incident.broken, "working": incident.working},
    ).save()
    return incident
