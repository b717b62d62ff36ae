"""Who is in a campaign: recorded in one statement, then the preflight of each, batch by batch.

What was weighed is stored with each recipient, so work that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from scopes.judge import lookup, migrations
from scopes.models import Campaign, Integration, Recipient
from scopes.models.arrays import numbers, texts
from scopes.models.transactions import in_transaction
from scopes.reauth.messages import address_troubles
from scopes.reauth.target import Target, Wanted, targets_of

BATCH = 500
# Why no link is needed any more.
FIXED = frozenset({"not_needed", "moved"})

State = Recipient.State


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings say: how many links a person gets in 30 days; `keys` hash addresses (`channels.addresses`)."""

    links_a_month: int
    keys: Sequence[bytes]


def record(campaign: Campaign, now: datetime) -> None:
    """Record the audience that the campaign's rule finds now, in one statement; does nothing once it is recorded."""
    if campaign.listed_at is not None:
        return
    if campaign.successor is not None and campaign.provider_id is not None:
        standings = migrations.unmoved_at(campaign.provider_id, production=campaign.successor.source.production)
    else:
        standings = _standings(campaign.filters)
    _record(campaign.pk, "c.standing_id = ANY(%s)", standings, now)


def _standings(filters: Mapping[str, str]) -> list[int]:
    source, integration = filters.get("source"), filters.get("integration")
    return lookup.standings_where(
        sources=[int(source)] if source else None,
        integration=int(integration) if integration else None,
        health=filters.get("health", ""),
        scope=filters.get("scope", ""),
        reason=filters.get("reason", ""),
    )


def record_selection(campaign: Campaign, connections: Sequence[int], now: datetime) -> None:
    """Record these connections as the audience."""
    _record(campaign.pk, "c.id = ANY(%s)", list(connections), now)


@in_transaction
def _record(campaign: int, where: str, among: list[int], now: datetime) -> None:
    """Of several connections of one person at one integration, the newest is recorded."""
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign)
    if locked.listed_at is not None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO scopes_recipient
                (campaign_id, person_id, connection_id, integration_id, state, reason_code, obstacle)
            SELECT %s, c.person_id, c.id, c.integration_id, 'listed', '', ''
            FROM scopes_connection c WHERE {where} AND c.merged_into_id IS NULL ORDER BY c.id DESC
            ON CONFLICT DO NOTHING
            """,
            [campaign, among],
        )
    locked.listed_at = now
    locked.save(update_fields=["listed_at"])


def weigh(campaign: Campaign, clock: Callable[[], datetime], has_time: Callable[[], bool], limits: Limits) -> None:
    """Ask the preflight of all who were not weighed yet, batch by batch while there is time."""
    while has_time():
        if not _weigh_some(campaign.pk, clock(), limits):
            return


@in_transaction
def _weigh_some(campaign: int, now: datetime, limits: Limits) -> int:
    """Weigh a batch; how many. With the last one the campaign is weighed."""
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign)
    if locked.listed_at is None or locked.state != Campaign.State.DRAFT:
        return 0
    rows = list(waiting_in(campaign, State.LISTED)[:BATCH])
    if rows:
        targets = targets_for(locked, rows, now, limits)
        obstacles = obstacles_of(rows, targets, limits)
        write(rows, targets, [State.LEFT_OUT if obstacle else State.WAITING for obstacle in obstacles], obstacles)
    elif locked.weighed_at is None:
        locked.weighed_at = now
        locked.save(update_fields=["weighed_at"])
    return len(rows)


def waiting_in(campaign: int, state: State) -> QuerySet[Recipient]:
    """The recipients in a state in which there is no obstacle yet, in the order in which they are taken."""
    rows = Recipient.objects.filter(campaign=campaign, state=state, obstacle="").order_by("pk")
    return rows.select_related("person", "connection")


def targets_for(campaign: Campaign, rows: Sequence[Recipient], now: datetime, limits: Limits) -> list[Target | None]:
    """What a link to each would lead to; None for who is unclaimed. As many queries for hundreds as for one."""
    wanted_at = {row.connection.integration_id if row.connection else row.integration_id for row in rows}
    named = wanted_at if campaign.successor_id is None else wanted_at | {campaign.successor_id}
    integrations = Integration.objects.select_related("provider", "source", "policy_version").in_bulk(named)
    wanted = [
        Wanted(
            row.person,
            integrations[row.connection.integration_id if row.connection else row.integration_id],
            row.connection if row.connection and row.connection.merged_into_id is None else None,
            integrations[campaign.successor_id] if campaign.successor_id is not None else None,
        )
        for row in rows
        if row.person is not None
    ]
    found = iter(targets_of(wanted, now, at_most=limits.links_a_month))
    return [None if row.person is None else next(found) for row in rows]


def obstacles_of(rows: Sequence[Recipient], targets: Sequence[Target | None], limits: Limits) -> list[str]:
    """The code of why no link is sent, by recipient; empty where one is.

    A person gets one link for an integration, however many of their connections lead there.
    """
    taken = _taken(rows, targets)
    troubles = address_troubles([target.person for target in targets if target is not None], limits.keys)
    obstacles = []
    for row, target in zip(rows, targets, strict=True):
        obstacle = _obstacle(target, troubles)
        if not obstacle and target is not None:
            key = (target.person.pk, target.source.pk, target.provider.slug)
            obstacle = "another_connection" if taken.setdefault(key, row.pk) != row.pk else ""
        obstacles.append(obstacle)
    return obstacles


def _taken(rows: Sequence[Recipient], targets: Sequence[Target | None]) -> dict[tuple[int, int, str], int]:
    """Who of the campaign waits for a link already, by person and where it leads: (person, source, provider)."""
    people = {target.person.pk for target in targets if target is not None}
    others = Recipient.objects.filter(
        campaign=rows[0].campaign_id, person__in=people, state__in=(State.WAITING, State.SENT)
    ).values_list("person", "integration__source", "integration__provider__slug", "pk")
    return {(person, source, provider): pk for person, source, provider, pk in others}


def _obstacle(target: Target | None, troubles: Mapping[int, str]) -> str:
    if target is None:
        return "unclaimed"
    if target.preflight.obstacles:
        return target.preflight.obstacles[0].code
    if target.resources:
        return "choose_region"
    if target.live:
        return "live_link"
    return str(troubles.get(target.person.pk, ""))


def write(
    rows: Sequence[Recipient],
    targets: Sequence[Target | None],
    states: Sequence[State],
    obstacles: Sequence[str],
) -> None:
    """Write the state of each recipient, why something is missing, and where a link leads; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE scopes_recipient r
            SET state = new.state, obstacle = new.obstacle, reason_code = new.reason, integration_id = new.integration
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[])
                AS new (id, state, obstacle, reason, integration)
            WHERE r.id = new.id
            """,
            [
                numbers(row.pk for row in rows),
                texts(state.value for state in states),
                texts(obstacles),
                texts(map(reason_of, targets)),
                numbers(
                    target.integration.pk if target and target.integration and not obstacle else row.integration_id
                    for row, target, obstacle in zip(rows, targets, obstacles, strict=True)
                ),
            ],
        )


def reason_of(target: Target | None) -> str:
    """The code of why something is missing: with the connection, else of the first need."""
    if target is None:
        return ""
    if target.judgement is None:
        return "provider_retired" if target.succeeds else "attempt_failed"
    missing = (line.reason for line in target.judgement.lines if line.held is False and line.reason)
    return target.judgement.link_reason or next(missing, "")
