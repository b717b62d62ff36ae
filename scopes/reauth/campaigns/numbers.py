"""How many recipients are in each group, and how far those have got who were sent a link."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count

from scopes.models import Campaign, Recipient
from scopes.models.transactions import in_transaction

FRESH = timedelta(minutes=1)
# The standing of the connection that was found, or of the one that it was merged into.
OLD = """
    LEFT JOIN scopes_connection f ON f.id = r.connection_id
    LEFT JOIN scopes_connection o ON o.id = coalesce(f.merged_into_id, f.id)
    LEFT JOIN scopes_standing s ON s.id = o.standing_id
"""

# What is counted of the recipients who were sent a link, in the order of the funnel, and when it is so.
STEPS: Mapping[str, str] = {
    "links": "true",
    "mailed": "m.mailed",
    "arrived": "m.arrived",
    "bounced": "m.bounced AND NOT m.arrived",
    "uncertain": "m.uncertain AND NOT m.taken",
    "stopped": "m.stopped AND NOT m.mailed",
    "opened": "l.opened_at IS NOT NULL",
    "pressed": "l.redirected_at IS NOT NULL",
    "returned": "l.returned_at IS NOT NULL",
    "fixed": "l.outcome = 'fixed'",
    "partly": "l.outcome = 'partly'",
    "unchanged": "l.outcome = 'unchanged'",
    "wrong_account": "l.outcome = 'wrong_account'",
    "failed": "l.outcome = 'failed'",
    "fixed_otherwise": "l.outcome <> 'fixed' AND (s.moved OR v.helps = 'not_needed' AND v.missing = '{}')",
    "never_returned": """l.returned_at IS NULL AND l.outcome = '' AND v.helps IS DISTINCT FROM 'not_needed'
        AND s.moved IS NOT TRUE
        AND (l.expires_at <= %(now)s OR l.withdrawn_at IS NOT NULL OR l.superseded_by_id IS NOT NULL)""",
}


@dataclass(frozen=True, slots=True)
class Groups:
    """Recipients by state, and those who are left out by the code of why."""

    by_state: Mapping[str, int]
    by_obstacle: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_state.values())


def groups_of(campaign: Campaign) -> Groups:
    """The groups as they are now; counted from an index alone."""
    counted = (
        Recipient.objects.filter(campaign=campaign)
        .values_list("state", "obstacle")
        .annotate(number=Count("pk"))
        .order_by("state", "-number", "obstacle")
    )
    by_state: Counter[str] = Counter()
    by_obstacle: dict[str, int] = {}
    for state, obstacle, number in counted:
        by_state[state] += number
        if obstacle:
            by_obstacle[obstacle] = number
    return Groups(by_state, by_obstacle)


def by_state(campaigns: Iterable[int]) -> dict[int, Counter[str]]:
    """Campaign -> how many recipients are in each state; counted from an index alone."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    rows = Recipient.objects.filter(campaign__in=campaigns).values_list("campaign", "state")
    for campaign, state, number in rows.annotate(number=Count("pk")).order_by():
        found[campaign][state] = number
    return found


def numbers_of(campaign: Campaign, now: datetime) -> list[dict[str, Any]]:
    """Of those who were sent a link: rows with integration, reason, day and how many reached each of `STEPS`.

    Counted at most once a minute from the first link on; `campaign.counted_at` says when.
    """
    rows: list[dict[str, Any]] = campaign.numbers
    if not rows or campaign.counted_at is None or now - campaign.counted_at >= FRESH:
        rows = _count(campaign.pk, now)
        campaign.numbers, campaign.counted_at = rows, now
        if campaign.kind == Campaign.Kind.MIGRATION:
            campaign.progress = _count_moves(campaign.pk, now)
        _keep(campaign)
    return rows


@in_transaction
def _keep(campaign: Campaign) -> None:
    """Keep what was counted, unless somebody is just creating links: a page does not wait for that."""
    free = Campaign.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=campaign.pk)
    if free.values_list("pk").first():
        campaign.save(update_fields=["numbers", "progress", "counted_at"])


def _count(campaign: int, now: datetime) -> list[dict[str, Any]]:
    steps = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in STEPS.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT r.integration_id, r.reason_code, (r.sent_at AT TIME ZONE 'UTC')::date, {steps}
            FROM scopes_recipient r
            JOIN scopes_reauthlink l ON l.id = r.link_id
            CROSS JOIN LATERAL (
                SELECT bool_or(m.state IN ('sent', 'arrived', 'bounced', 'uncertain')) AS mailed,
                       bool_or(m.state IN ('sent', 'arrived')) AS taken,
                       bool_or(m.state = 'arrived') AS arrived, bool_or(m.state = 'bounced') AS bounced,
                       bool_or(m.state = 'uncertain') AS uncertain, bool_or(m.state = 'stopped') AS stopped
                FROM scopes_message m WHERE m.link_id = l.id
            ) m
            {OLD}
            LEFT JOIN scopes_connection c ON c.id = l.connection_id AND c.merged_into_id IS NULL
            LEFT JOIN scopes_integration i ON i.id = c.integration_id
            LEFT JOIN scopes_verdict v ON v.standing_id = c.standing_id AND v.policy_version_id = i.policy_version_id
            WHERE r.campaign_id = %(campaign)s AND r.state = 'sent'
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """,
            {"campaign": campaign, "now": now},
        )
        rows = cursor.fetchall()
    return [
        {"integration": integration, "reason": reason, "day": day.isoformat()}
        | {step: number for step, number in zip(STEPS, counted, strict=True) if number}
        for integration, reason, day, *counted in rows
    ]


def _count_moves(campaign: int, now: datetime) -> dict[str, int]:
    """Of all recipients of a migration: how many have moved, have a link that works, and neither."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FILTER (WHERE s.moved),
                   count(*) FILTER (WHERE s.moved IS NOT TRUE AND l.id IS NOT NULL),
                   count(*) FILTER (WHERE s.moved IS NOT TRUE AND l.id IS NULL)
            FROM scopes_recipient r
            LEFT JOIN scopes_reauthlink l ON l.id = r.link_id AND l.expires_at > %(now)s AND l.withdrawn_at IS NULL
                AND l.superseded_by_id IS NULL AND l.outcome <> 'fixed'
            {OLD}
            WHERE r.campaign_id = %(campaign)s
            """,
            {"campaign": campaign, "now": now},
        )
        return dict(zip(("moved", "in_progress", "left_behind"), cursor.fetchone(), strict=True))


def summed(
    rows: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Any]
) -> list[tuple[Any, Counter[str]]]:
    """(key, how many reached each step) for each key of the rows, in their order."""
    found: dict[Any, Counter[str]] = {}
    for row in rows:
        counts = found.setdefault(key(row), Counter())
        counts.update({step: row.get(step, 0) for step in STEPS})
    return list(found.items())
