"""What a listing says of many connections at once is held back: a fault of the source looks just like that.

While a listing is walked, that a working connection is inactive is kept as a held fact, and so is, at its end, that one
is absent. Then each integration is weighed: few are applied at once, many wait in an incident for somebody to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from scopes.facts import ConnectionFact, Fact, LinkChanged, LinkState, Origin, OriginKind
from scopes.flow import Batches
from scopes.intake.recording.recorded import Inactive
from scopes.models import Incident, Listing, QuarantinedFact, Source
from scopes.models.arrays import numbers, times
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

MANY, SHARE = 50, 0.05
BATCH = 500
AT_ONCE = 3000
SAID = {LinkState.INACTIVE: "listed as inactive", LinkState.UNCONFIRMED: "not in the listing"}

Clock = Callable[[], datetime]


class AlreadyEnded(Exception):
    """Somebody ended the incident before."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """How many connections a listing says are absent or inactive, and of how many more incidents quarantine that."""

    unconfirmed: int
    inactive: int
    quarantined: int


def add(listing: Listing, inactive: Sequence[Inactive]) -> None:
    """Keep that these working connections were listed as inactive."""
    if not inactive:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_quarantinedfact (listing_id, connection_id, integration_id, state, happened_at)
            SELECT %s, connection, integration, 'inactive', at
            FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) held (connection, integration, at)
            ON CONFLICT DO NOTHING
            """,
            [
                listing.pk,
                numbers(pk for pk, _, _ in inactive),
                numbers(integration for _, integration, _ in inactive),
                times(at for _, _, at in inactive),
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
    SELECT held.integration_id, held.absent, held.inactive, coalesce(working.working, 0)
    FROM (
        SELECT integration_id, count(*) FILTER (WHERE state = 'unconfirmed') AS absent,
               count(*) FILTER (WHERE state = 'inactive') AS inactive
        FROM scopes_quarantinedfact WHERE listing_id = %(listing)s GROUP BY 1
    ) held
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
    """Decide, once a listing was walked to its end. `seen`: a bitmap of the connections that it held.

    What can be believed is left for `believed_facts`; of the rest one incident an integration is open afterwards.
    """
    asked: dict[str, int | datetime | bytes] = {
        "source": source.pk,
        "listing": listing.pk,
        "began": listing.started_at,
        "seen": seen,
    }
    with connection.cursor() as cursor:
        cursor.execute(ABSENT, asked)
        cursor.execute(WEIGH, asked)
        told = {pk: (absent, inactive, working) for pk, absent, inactive, working in cursor.fetchall()}
        too_many = {
            pk: (absent + inactive, working)
            for pk, (absent, inactive, working) in told.items()
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
        for integration, (held, working) in sorted(too_many.items()):
            incident = known.get(integration) or Incident(integration_id=integration, opened_at=now)
            incident.listing, incident.broken, incident.working = listing, held, working
            incident.save()
    believed = [counts for pk, counts in told.items() if pk not in too_many]
    return Weighed(
        unconfirmed=sum(absent for absent, _, _ in believed),
        inactive=sum(inactive for _, inactive, _ in believed),
        quarantined=sum(held for held, _ in too_many.values()),
    )


def believed_facts(source: Source) -> Iterator[tuple[list[int], Origin, list[ConnectionFact]]]:
    """What is held and may be applied, batch by batch: of finished listings, where no incident is open.

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
                [held for held, *_ in batch],
                origin,
                [
                    LinkChanged(slug, user_id, LinkState(state), happened_at, detail=SAID[LinkState(state)])
                    for _, _, user_id, state, happened_at in batch
                ],
            )


def apply_believed(source: Source, clock: Clock, most: int | None = None) -> int:
    """Apply what is quarantined and may be believed now, `most` of it or a little more; on how many connections.

    Each batch is applied and deleted in one transaction, so what was cut off is gone on with.
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
    """It is true after all: apply what the incident quarantined; on how many connections by now.

    The first thousands at once; of more, the rest by a worker or the next night. Raises AlreadyEnded.
    """
    incident = _end(pk, Incident.State.RELEASED, act, clock())
    return apply_believed(incident.integration.source, clock, AT_ONCE)


@in_transaction
def discard(pk: int, act: Act, now: datetime) -> Incident:
    """It was never true: what the incident holds back is dropped. Raises AlreadyEnded."""
    incident = _end(pk, Incident.State.DISCARDED, act, now)
    QuarantinedFact.objects.filter(listing=incident.listing_id, integration=incident.integration_id).delete()
    return incident


@in_transaction
def _end(pk: int, state: Incident.State, act: Act, now: datetime) -> Incident:
    incident = Incident.objects.select_for_update().get(pk=pk)
    if incident.state != Incident.State.OPEN:
        raise AlreadyEnded(f"This incident has already ended: {incident.get_state_display().lower()}.")
    incident.state, incident.ended_at = state, now
    incident.author, incident.reason, incident.ticket = act.name, act.reason, act.ticket
    incident.save()
    act.entry(
        f"incident.{state.value}",
        now,
        integration_id=incident.integration_id,
        subject=str(incident.integration)[:200],
        detail={"incident": incident.pk, "broken": incident.broken, "working": incident.working},
    ).save()
    return incident
