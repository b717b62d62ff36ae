"""What the desk shows next to people and connections: links, mails, deliveries, logs, campaigns and the rest.

In numbers that fit the connections, written straight into the tables.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from benchmarks.api import bench_key
from scopes import flow, queue
from scopes.judge.policy import draft
from scopes.models import (
    ApiKey,
    AuditRun,
    Campaign,
    Connection,
    Endpoint,
    Escalation,
    Incident,
    Integration,
    JobFailure,
    Listing,
    SavedFilter,
    Suspicion,
)
from scopes.models.trail import Act

NIGHTS = 90
MANY = 12
AGENTS = 50

# In this order: the later ones read what the earlier ones wrote.
TABLES = (
    # One connection in a thousand is unclaimed.
    "UPDATE scopes_connection SET person_id = NULL, reference_id = '' WHERE id % 1000 = 7",
    """
    INSERT INTO scopes_pulse (connection_id, last_webhook_on, last_data_on)
    SELECT id, %(now)s::date - (id % 3)::int, %(now)s::date - (id % 40)::int FROM scopes_connection
    """,
    """
    INSERT INTO scopes_reauthlink (public_id, secret_hash, person_id, integration_id, connection_id, author, reason,
        ticket, language, needs, created_at, expires_at, opened_at, settled_at, withdrawn_at, outcome, outcome_detail)
    SELECT 'bench-' || id, '', person_id, integration_id, id, 'bench', 'To measure.', '', 'en', '{}', at,
           at + interval '14 days', CASE WHEN turn > 1 THEN at + interval '1 hour' END,
           CASE WHEN turn > 4 THEN at + interval '2 hours' END, CASE WHEN turn = 0 THEN at + interval '1 day' END,
           CASE WHEN turn > 5 THEN 'fixed' WHEN turn = 5 THEN 'partly' ELSE '' END, ''
    FROM (
        SELECT *, id / 10 % 10 AS turn, %(now)s - id % 60 * interval '1 day' - id % 997 * interval '1 minute' AS at
        FROM scopes_connection WHERE id % 10 = 0 AND person_id IS NOT NULL
    ) chosen
    """,
    """
    INSERT INTO scopes_message (link_id, number, channel, state, detail, tracking_id, address_digest, attempts,
        created_at, due_at, claimed_at, sent_at)
    SELECT id, 1, 'email', 'sent', '', '', '', 1, created_at, created_at, created_at, created_at FROM scopes_reauthlink
    """,
    """
    INSERT INTO scopes_attempt (source_id, person_id, reference_id, provider_id, connection_id, key, user_id,
        session_id, state, result, message, started_at, ended_at)
    SELECT integration.source_id, row.person_id, row.reference_id, integration.provider_id, row.id, 'bench-' || row.id,
           '', '', 'failed', 'missing_scopes', '', %(now)s - row.id % 60 * interval '1 day', %(now)s
    FROM scopes_connection row JOIN scopes_integration integration ON integration.id = row.integration_id
    WHERE row.id % 50 = 1
    """,
    """
    INSERT INTO scopes_delivery (source_id, digest, kind, body, signed_at, received_at, processed_at, stale, repeats,
        attempts, error, given_up_at)
    SELECT integration.source_id, gen_random_uuid(), 'auth',
           jsonb_build_object('type', 'auth', 'user', jsonb_build_object('user_id', row.user_id)), at, at,
           CASE WHEN failed THEN NULL ELSE at END, false, 0, 1, CASE WHEN failed THEN 'KeyError: user' ELSE '' END,
           CASE WHEN failed THEN at END
    FROM (
        SELECT *, %(now)s - id * interval '20 seconds' AS at, id / 5 % 1000 = 0 AS failed FROM scopes_connection
        WHERE id % 5 = 0
    ) row JOIN scopes_integration integration ON integration.id = row.integration_id
    """,
    """
    INSERT INTO scopes_trailentry (at, verb, actor_id, actor_name, person_id, subject, reason, ticket, detail)
    SELECT %(now)s - id * interval '20 seconds',
           CASE id % 4 WHEN 0 THEN 'link.issued' ELSE 'person.opened' END, %(agent)s, 'bench', person_id, reference_id,
           CASE id % 4 WHEN 0 THEN 'To measure.' ELSE '' END, '', '{}'
    FROM scopes_connection WHERE id % 2 = 0 AND person_id IS NOT NULL
    """,
    """
    INSERT INTO scopes_trailentry (at, verb, actor_id, actor_name, subject, reason, ticket, detail)
    SELECT %(now)s - id * interval '20 seconds', 'people.listed', %(agent)s, 'bench', 'admin:search', '', '',
           jsonb_build_object('people', (SELECT jsonb_agg(n) FROM generate_series(id, id + 24) n))
    FROM scopes_person WHERE id % 100 = 0
    """,
    """
    INSERT INTO scopes_note (person_id, text, author, created_at)
    SELECT id, 'Called, and wants to be written to.', 'bench', %(now)s FROM scopes_person WHERE id % 100 = 3
    """,
    """
    INSERT INTO scopes_dontcontact (person_id, reason, ticket, author, created_at)
    SELECT id, 'Asked by letter.', '', 'bench', %(now)s FROM scopes_person WHERE id % 1000 = 4
    """,
    """
    INSERT INTO scopes_waiver (connection_id, need, until, reason, ticket, author, created_at)
    SELECT row.id, split_part(verdict.missing[1], '=', 1), %(now)s::date + 30, 'Does not want to.', '', 'bench', %(now)s
    FROM scopes_connection row
    JOIN scopes_integration integration ON integration.id = row.integration_id
    JOIN scopes_verdict verdict ON verdict.standing_id = row.standing_id
                               AND verdict.policy_version_id = integration.policy_version_id
    WHERE row.id % 200 = 9 AND cardinality(verdict.missing) > 0
    """,
    """
    INSERT INTO scopes_suspectedduplicate (first_id, second_id, state, found_at, author, reason, ticket)
    SELECT id, (SELECT min(other.id) FROM scopes_connection other
                WHERE other.id > row.id AND other.integration_id = row.integration_id),
           'open', %(now)s, '', '', ''
    FROM scopes_connection row WHERE id % 1000 = 11
      AND EXISTS (SELECT FROM scopes_connection other
                  WHERE other.id > row.id AND other.integration_id = row.integration_id)
    """,
    """
    INSERT INTO scopes_referenceconflict (connection_id, reference_id, first_at, origin, origin_record, found_at,
        author, reason, ticket)
    SELECT id, 'another-' || id, %(now)s, 'listing', '1', %(now)s, '', '', ''
    FROM scopes_connection WHERE id % 1000 = 12
    """,
    """
    INSERT INTO scopes_livecheck (connection_id, user_id, author, batch, asked_at, answered_at, answer, active, probe,
        account, detail)
    SELECT id, user_id, 'bench', '00000000-0000-0000-0000-000000000001', %(now)s, %(now)s, 'known', true, '', '', ''
    FROM scopes_connection ORDER BY id LIMIT 500
    """,
    """
    INSERT INTO scopes_recipient (campaign_id, person_id, connection_id, integration_id, link_id, state, reason_code,
        obstacle, sent_at)
    SELECT %(sent)s, person_id, connection_id, integration_id, id, 'sent', 'declined', '', created_at
    FROM scopes_reauthlink
    """,
    """
    INSERT INTO scopes_recipient (campaign_id, person_id, connection_id, integration_id, state, reason_code, obstacle)
    SELECT CASE WHEN id % 4 < 2 THEN %(sent)s ELSE %(draft)s END, person_id, id, integration_id,
           CASE WHEN id % 4 < 3 THEN 'left_out' ELSE 'waiting' END, 'declined',
           CASE WHEN id % 4 < 3 THEN 'no_address' ELSE '' END
    FROM scopes_connection WHERE id % 10 IN (1, 5) AND person_id IS NOT NULL
    """,
    """
    INSERT INTO scopes_outboxevent (type, source_id, connection_id, ordering_key, body, made_at, number)
    SELECT 'connection.broken', integration.source_id, row.id, 'connection:' || row.id, '{}', %(now)s, row.id
    FROM scopes_connection row JOIN scopes_integration integration ON integration.id = row.integration_id
    WHERE row.id % 10 = 2
    """,
    """
    INSERT INTO scopes_sending (event_id, endpoint_id, ordering_key, state, attempts, next_at, give_up_at, tried_at,
        ended_at, status, error)
    SELECT id, %(endpoint)s, ordering_key, CASE WHEN id % 100 = 0 THEN 'failed' ELSE 'delivered' END, 1, %(now)s,
           %(now)s, %(now)s, %(now)s, 200, CASE WHEN id % 100 = 0 THEN 'answered with 500' ELSE '' END
    FROM scopes_outboxevent
    """,
    """
    INSERT INTO scopes_quarantinedfact (listing_id, integration_id, connection_id, state, happened_at)
    SELECT %(listing)s, integration_id, id, 'inactive', %(now)s FROM scopes_connection
    WHERE integration_id = %(integration)s ORDER BY id LIMIT 2000
    """,
    """
    INSERT INTO scopes_auditrun (started_at, finished_at, state, step, offline, resumed, counts, changes, findings,
        error, exit_code)
    SELECT started_at - n * interval '1 day', finished_at - n * interval '1 day', state, step, offline, resumed, counts,
           changes, findings, error, exit_code
    FROM scopes_auditrun, generate_series(1, %(nights)s) n
    """,
)


def fill(agent: User, now: datetime) -> None:
    """Fill the tables around a population (see `population.populate`) that has nothing else yet."""
    integration = max(Integration.objects.all(), key=lambda row: row.standings.count())
    call_command("audit_connections", "--offline", stdout=StringIO())
    about: dict[str, Any] = {
        "now": now,
        "agent": agent.pk,
        "nights": NIGHTS - 1,
        "integration": integration.pk,
        "listing": _incident(integration, now).listing_id,
        "sent": _campaign("Sent", now, state="done", started_at=now, ended_at=now, paced_from=now).pk,
        "draft": _campaign("Drafted", now).pk,
        "endpoint": _endpoint(now).pk,
    }
    with connection.cursor() as cursor:
        for statement in TABLES:
            named = "%(" in statement
            cursor.execute(statement.replace("% ", "%% ") if named else statement, about if named else None)
    _few(integration, agent, now)


def _campaign(name: str, now: datetime, **more: Any) -> Campaign:
    made = {"author": "bench", "reason": "To measure.", "days": 14, "per_hour": 1000, "filters": {"health": "blocked"}}
    return Campaign.objects.create(
        kind="filter", name=name, created_at=now, listed_at=now, weighed_at=now, **made, **more
    )


def _incident(integration: Integration, now: datetime) -> Incident:
    listing = Listing.objects.create(source=integration.source, started_at=now, finished_at=now)
    return Incident.objects.create(
        integration=integration, listing=listing, broken=2000, working=5000, opened_at=now - timedelta(hours=1)
    )


def _endpoint(now: datetime) -> Endpoint:
    return Endpoint.objects.create(name="Bench", url="https://bench.example/", created_at=now, created_by="bench")


def _few(integration: Integration, agent: User, now: datetime) -> None:
    """What there are few of, however many people there are."""
    act = Act(agent, "To measure.")
    Suspicion.objects.create(
        integration=integration, scope="heartrate", consents=41, since=now, found_at=now, counted_at=now
    )
    for permission in ApiKey.Permission:
        bench_key(permission)
    for place in range(10):
        SavedFilter.objects.create(
            owner=agent, name=f"Filter {place}", query="health=blocked", author="bench", saved_at=now
        )
    for one in Integration.objects.all():
        draft(one, one.policy_version.content if one.policy_version else {}, author="bench", now=now)
        for place in range(20):
            ended = {"answer": "Done.", "engineer": "bench", "taken_at": now, "ended_at": now} if place else {}
            Escalation.objects.create(
                integration=one, what=f"scope-{place}=not_requested", title="A scope is not requested", text="Please.",
                state="done" if place else "open", author="bench", reason="To measure.", created_at=now, **ended,
            )  # fmt: skip
    rows = Connection.objects.filter(person__isnull=False, merged_into__isnull=True)
    last = rows.order_by("-pk")[0]
    pair = rows.filter(integration=integration).order_by("pk")[:2]
    rows.filter(pk=pair[1].pk).update(person=pair[0].person, reference_id=pair[0].reference_id)
    flow.merge(pair[0].pk, pair[1].pk, act, now)
    others = rows.filter(pk__lt=last.pk, reauth_links__isnull=True, campaigns__isnull=True).order_by("-pk")[: MANY - 1]
    rows.filter(pk__in=[row.pk for row in others]).update(person=last.person, reference_id=last.reference_id)
    User.objects.bulk_create(User(username=f"agent-{place}", is_staff=True) for place in range(AGENTS))
    queue.defer("pending_deliveries")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed', attempts = 12 RETURNING id")
        JobFailure.objects.create(job=cursor.fetchone()[0], at=now, words="SourceUnavailable: it answered 502")
    AuditRun.objects.filter(finished_at__isnull=True).update(finished_at=now, state="done")
