"""A large, plausible population, written straight into the tables: what the measurements stand on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched

from django.db import connection

from scopes.catalogue import default
from scopes.facts import LinkState
from scopes.judge import census
from scopes.judge.policy import draft, ensure_integration, publish
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import intern
from scopes.models import Integration, Source

START = datetime(2026, 10, 1, tzinfo=UTC)
PROVIDERS = ("oura", "garmin", "google_fit", "fitbit", "strava", "whoop", "withings", "huawei")


def policy_for(slug: str, features: int = 4) -> dict[str, object]:
    """A policy that requests all but the last two scopes of a provider and needs the first few of them."""
    names = [scope.name for scope in default().provider(slug).scopes]
    return {
        "requested": names[:-2] or names,
        "approved": None,
        "requirements": [
            {"feature": f"feature {number}", "any_of": [name], "level": "required" if number % 2 else "recommended"}
            for number, name in enumerate(names[:features])
        ],
    }


def standings(integrations: list[Integration], count: int, seed: int = 7) -> list[StandingFacts]:
    """`count` different standings, the likely ones first."""
    draw = random.Random(seed)
    made: dict[StandingFacts, None] = {}
    while len(made) < count:
        integration = draw.choice(integrations)
        names = [scope.name for scope in default().provider(integration.provider.slug).scopes]
        kept = frozenset(name for name in names if draw.random() < 0.85)
        base = StandingFacts(
            integration=integration.pk,
            reported=kept,
            consent_version=integration.policy_version_id,
            plan=draw.choice(("", "free", "pro", "team")),
        )
        made[base] = None
        if draw.random() < 0.2:
            made[base._replace(link=draw.choice([LinkState.REVOKED, LinkState.TOKEN_REJECTED]))] = None
    return list(made)[:count]


def populate(
    connections: int,
    different: int,
    people: int | None = None,
    providers: Sequence[str] = PROVIDERS,
    name: str = "'Person ' || n",
) -> None:
    """Fill empty tables with `connections` over `different` standings, few of them common and most of them rare.

    `name` is the SQL expression for the name of the nth person.
    """
    source, _ = Source.objects.get_or_create(kind="terra", name="bench", defaults={"production": True})
    integrations = []
    for slug in providers:
        integration = ensure_integration(source, default().provider(slug), START)
        publish(draft(integration, policy_for(slug), author="bench", now=START), now=START)
        integration.refresh_from_db()
        integrations.append(integration)
    facts = standings(integrations, different)
    ids = [pk for batch in batched(facts, 1000) for pk in _interned(batch)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO scopes_person (reference_id, email, name, locale, plan, created_at)
            SELECT 'user-' || n, 'user' || n || '@example.com', {name}, 'en', '', %s
            FROM generate_series(1, %s) n
            """,
            [START, people or connections],
        )
        cursor.execute("SELECT min(id) FROM scopes_person")
        first = cursor.fetchone()[0]
        # n^4 makes the first standings common and the last ones rare, as people are.
        cursor.execute(
            """
            INSERT INTO scopes_connection (integration_id, user_id, standing_id, person_id, reference_id,
                provider_user_id, consented_at, scopes_at, link_at, first_seen_at)
            SELECT standing.integration_id, 'terra-' || n, standing.id, %(first)s + n %% %(people)s,
                   'user-' || (1 + n %% %(people)s), '', %(at)s, %(at)s, %(at)s, %(at)s
            FROM generate_series(0, %(count)s - 1) n
            JOIN LATERAL (
                SELECT (%(ids)s::int[])[1 + floor(power(random() + n * 0, 4) * %(different)s)::int] AS id
            ) drawn ON true
            JOIN scopes_standing standing ON standing.id = drawn.id
            """,
            {
                "first": first,
                "people": people or connections,
                "at": START + timedelta(days=1),
                "count": connections,
                "ids": ids,
                "different": len(ids),
            },
        )
        cursor.execute(
            """
            INSERT INTO scopes_period
                (connection_id, standing_id, since, happened_at, received_at, origin, origin_record)
            SELECT id, standing_id, scopes_at, scopes_at, scopes_at, 'listing', '1' FROM scopes_connection
            """
        )
    vacuum()
    census.take(START + timedelta(days=2))


def vacuum() -> None:
    """Bring the planner's statistics up to date, as autovacuum would overnight."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _interned(facts: Iterator[StandingFacts] | tuple[StandingFacts, ...]) -> list[int]:
    batch = list(facts)
    found = intern(batch)
    return [found[standing] for standing in batch]
