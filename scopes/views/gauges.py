"""What the database knows of how the portal is doing, read anew for each scrape: group by group, within a time limit.

Every process of every machine reports the same of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from scopes import queue
from scopes.audit import silence
from scopes.audit.report import CODES
from scopes.judge import census
from scopes.models import AuditRun, Incident, Source
from scopes.models.arrays import texts
from scopes.models.transactions import limited
from scopes.reasons import HEALTHS
from scopes.sources import registry
from scopes.sync import deliveries

CENSUS_AGE = timedelta(minutes=5)
LINK_STATES = (
    *("not_opened", "opened", "at_provider", "returned"),
    *("fixed", "partly", "unchanged", "wrong_account", "failed", "withdrawn", "superseded"),
)

log = logging.getLogger(__name__)

type Gauges = Sequence[GaugeMetricFamily]


class DatabaseGauges(Collector):
    """Reads every group; one that fails, or takes too long, is left out and reported as not read."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        took = GaugeMetricFamily("portal_gauges_seconds", "How long this group of gauges took.", labels=["gauges"])
        read = GaugeMetricFamily("portal_gauges_read", "1 where this group of gauges was read.", labels=["gauges"])
        for name, read_group in GROUPS.items():
            began = time.monotonic()
            try:
                yield from limited(lock="1s", statement="5s")(read_group)(timezone.now())
                read.add_metric([name], 1)
            except Error as problem:
                log.warning("the gauges of %s could not be read: %s", name, type(problem).__name__)
                read.add_metric([name], 0)
                if connection.connection is None or not connection.is_usable():
                    break  # the others would wait for it, too
            took.add_metric([name], time.monotonic() - began)
        yield took
        yield read


def _deliveries(now: datetime) -> Gauges:
    pending = _gauge("portal_deliveries_pending", "Webhooks that are stored and not processed yet.", "source")
    oldest = _gauge("portal_delivery_oldest_pending_seconds", "For how long the oldest of them waits.", "source")
    for source, number, since in _rows(
        """
        SELECT source.key, count(delivery.id), min(delivery.received_at)
        FROM scopes_source source
        LEFT JOIN scopes_delivery delivery ON delivery.source_id = source.id AND delivery.processed_at IS NULL
            AND delivery.given_up_at IS NULL AND delivery.waits_for = '{}'
        WHERE source.kind = ANY(%s::text[]) GROUP BY source.key
        """,
        texts(registry.able("sends_events")),
    ):
        pending.add_metric([source], number)
        oldest.add_metric([source], _seconds(since, now))
    given_up = _gauge("portal_deliveries_given_up", "Webhooks that failed so often that they are not retried.")
    given_up.add_metric([], deliveries.given_up().count())
    return [pending, oldest, given_up]


def _sources(now: datetime) -> Gauges:
    last = _gauge("portal_webhook_last_timestamp_seconds", "When the last webhook came from this source.", "source")
    silent = _gauge("portal_webhook_silent", "1 where a source sends none for longer than usual.", "source")
    for one in silence.silences(now):
        silent.add_metric([one.source], one.too_long)
        if one.last_at:
            last.add_metric([one.source], one.last_at.timestamp())
    listed = _gauge("portal_source_listed_timestamp_seconds", "When its last whole listing began.", "source")
    trouble = _gauge("portal_source_trouble", "1 where the source refuses our account.", "source")
    for key, listed_at, why in Source.objects.order_by("key").values_list("key", "listed_at", "trouble"):
        trouble.add_metric([key], bool(why))
        if listed_at:
            listed.add_metric([key], listed_at.timestamp())
    incidents = _gauge("portal_incidents_open", "Incidents that nobody has decided.")
    incidents.add_metric([], Incident.objects.filter(state=Incident.State.OPEN).count())
    return [last, silent, listed, trouble, incidents]


def _links(now: datetime) -> Gauges:
    links = _gauge("portal_links", "Reauth links that have not expired, by their state.", "state")
    found = dict(
        _rows(
            """
            SELECT CASE
                WHEN outcome = 'fixed' THEN outcome
                WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'
                WHEN superseded_by_id IS NOT NULL THEN 'superseded'
                WHEN outcome <> '' THEN outcome
                WHEN returned_at IS NOT NULL THEN 'returned'
                WHEN redirected_at IS NOT NULL THEN 'at_provider'
                WHEN opened_at IS NOT NULL THEN 'opened'
                ELSE 'not_opened' END, count(*)
            FROM scopes_reauthlink WHERE expires_at > %s GROUP BY 1
            """,
            now,
        )
    )
    return [_filled(links, LINK_STATES, found)]


def _connections(now: datetime) -> Gauges:
    health = _gauge("portal_connections", "Connections, by integration and health.", "source", "provider", "health")
    taken = _gauge("portal_census_timestamp_seconds", "When the connections were counted.")
    taken.add_metric([], census.take_if_old(now, CENSUS_AGE).timestamp())
    found: dict[tuple[str, str], dict[str, int]] = {}
    for source, provider, code, number in _rows(
        """
        SELECT source.key, provider.slug, verdict.health, sum(census.connections)
        FROM scopes_census census
        JOIN scopes_standing standing ON standing.id = census.standing_id
        JOIN scopes_integration integration ON integration.id = standing.integration_id
        JOIN scopes_verdict verdict ON verdict.standing_id = standing.id
                                   AND verdict.policy_version_id = integration.policy_version_id
        JOIN scopes_provider provider ON provider.id = integration.provider_id
        JOIN scopes_source source ON source.id = integration.source_id
        GROUP BY 1, 2, 3
        """
    ):
        found.setdefault((source, provider), {})[code] = int(number)
    for integration, numbers in sorted(found.items()):
        for code in HEALTHS:
            health.add_metric([*integration, code.value], numbers.get(code.value, 0))
    return [health, taken]


def _audit(now: datetime) -> Gauges:
    ((done, failed, running),) = _rows(
        """
        SELECT max(finished_at) FILTER (WHERE state = 'done'), max(finished_at) FILTER (WHERE state = 'failed'),
               min(started_at) FILTER (WHERE state = 'running')
        FROM scopes_auditrun
        """
    )
    finished = _gauge("portal_audit_finished_timestamp_seconds", "When the last audit that was done finished.")
    if done:
        finished.add_metric([], done.timestamp())
    last_failed = _gauge("portal_audit_failed", "1 where the last audit that ended has failed.")
    last_failed.add_metric([], bool(failed and (done is None or failed > done)))
    lasts = _gauge("portal_audit_running_seconds", "For how long an audit is running; 0 where none is.")
    lasts.add_metric([], _seconds(running, now))
    newest = AuditRun.objects.filter(state=AuditRun.State.DONE).order_by("-finished_at")
    numbers = {one["code"]: one["number"] for one in newest.values_list("findings", flat=True).first() or ()}
    findings = _gauge("portal_audit_findings", "What the last audit that was done found, by code.", "code")
    return [finished, last_failed, lasts, _filled(findings, CODES, numbers)]


def _queue(now: datetime) -> Gauges:
    counts = queue.counts()
    jobs = _gauge("portal_jobs", "Jobs, by state. Those that are due are waiting, too.", "state")
    numbers = {"waiting": counts.waiting, "due": counts.due, "doing": counts.doing, "failed": counts.failed}
    oldest = _gauge("portal_job_oldest_due_seconds", "For how long the oldest job that is due waits.")
    oldest.add_metric([], _seconds(queue.oldest_due(), now))
    workers = _gauge("portal_workers_alive", "Workers, on all machines, that are alive.")
    workers.add_metric([], queue.workers_alive())
    return [_filled(jobs, numbers, numbers), oldest, workers]


def _sendings(now: datetime) -> Gauges:
    waiting = _gauge("portal_sendings_waiting", "Events that an endpoint has not taken yet.", "endpoint")
    oldest = _gauge("portal_sending_oldest_waiting_seconds", "How old the oldest of them is.", "endpoint")
    for endpoint, number, since in _rows(
        """
        SELECT endpoint.name,
            (SELECT count(*) FROM scopes_sending WHERE endpoint_id = endpoint.id AND state = 'waiting'),
            (SELECT made_at FROM scopes_sending sending JOIN scopes_outboxevent event ON event.id = sending.event_id
             WHERE sending.endpoint_id = endpoint.id AND sending.state = 'waiting' ORDER BY sending.event_id LIMIT 1)
        FROM scopes_endpoint endpoint ORDER BY endpoint.name
        """
    ):
        waiting.add_metric([endpoint], number)
        oldest.add_metric([endpoint], _seconds(since, now))
    return [waiting, oldest]


GROUPS: Mapping[str, Callable[[datetime], Gauges]] = {
    "deliveries": _deliveries,
    "sources": _sources,
    "links": _links,
    "connections": _connections,
    "audit": _audit,
    "queue": _queue,
    "sendings": _sendings,
}


def _gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=labels)


def _filled(gauge: GaugeMetricFamily, labels: Iterable[str], numbers: Mapping[str, int]) -> GaugeMetricFamily:
    """The gauge with each of the labels, also of those that have no number: a rule can't see what isn't there."""
    for label in labels:
        gauge.add_metric([label], numbers.get(label, 0))
    return gauge


def _seconds(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0


def _rows(sql: str, *parameters: str | datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
