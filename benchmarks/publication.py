"""A publication while facts come in: how long it locks, when it is visible, and that nobody sees a mixture."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, connections

from benchmarks.population import policy_for, populate
from benchmarks.process import begin_until, is_stopped
from benchmarks.recording import Row, timed
from scopes.catalogue import default
from scopes.facts import ConnectionSeen, Origin, OriginKind
from scopes.intake.recording.recorder import Recorder
from scopes.judge.impact import impact, people_becoming
from scopes.judge.policy import draft, publish
from scopes.judge.standing import known
from scopes.models import Connection, Integration, PolicyVersion, Source, Standing

PROVIDER = "google_fit"
WRITERS = 2
BATCH = 20
PAGE = 500


def run(count: int, different: int) -> list[Row]:
    """Fill the database with one integration, publish while writers make new standings; rows of (what, figure)."""
    populate(count, different, providers=(PROVIDER,))
    integration = Integration.objects.select_related("policy_version").get()
    before = integration.policy_version
    now = datetime.now(UTC)
    version = draft(integration, policy_for(PROVIDER, features=6), author="bench", now=now)
    weighing, weighed = timed(lambda: impact(version))
    finding, people = timed(lambda: people_becoming(version))
    # The verdicts of a draft are written when its impact is shown; here all of it is measured.
    version = draft(integration, policy_for(PROVIDER, features=7), author="bench", now=now)
    if before is None:
        raise SystemExit("The population has no policy.")
    publishing, spent, reads = _publish_among_writers(version, before.pk)
    judged, lacking, made = _judged(version, different)
    if lacking or reads["mixed"] or not reads["new"]:
        raise SystemExit(
            f"{lacking} standings lack a verdict, {reads['mixed']} of {reads['reads']} reads saw a mixture"
        )
    return [
        (
            f"impact of a draft on {weighed.connections:,} connections / the {sum(people.values()):,} people concerned",
            f"{weighing:.2f} s / {finding:.2f} s",
        ),
        (
            f"publish among {WRITERS} writers: {judged:,} standings judged, {made:,} of them new, none lacks a verdict",
            f"{publishing:.2f} s",
        ),
        ("of it in the database, locks waited for and held included", f"{spent['database']:.2f} s"),
        ("of it holding the lock", f"{spent['locked'] * 1000:.0f} ms"),
        (f"{reads['reads']:,} reads during it, each all of one version", f"{reads['mixed']} mixed"),
    ]


def _publish_among_writers(version: PolicyVersion, before: int) -> tuple[float, dict[str, float], dict[str, int]]:
    """(seconds until visible, where they went, what the reader saw)."""
    connections.close_all()
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    with ProcessPoolExecutor(WRITERS + 1, mp_context=spawn, initializer=begin_until, initargs=(stop,)) as pool:
        spent = {"database": 0.0, "locked": 0.0}
        try:
            writing = [pool.submit(_write, number) for number in range(min(WRITERS, Connection.objects.count()))]
            reading: Future[dict[str, int]] = pool.submit(_read, version.integration_id, before, version.pk)
            standings = Standing.objects.count()
            while Standing.objects.count() < standings + WRITERS * BATCH:
                time.sleep(0.1)
                if any(writer.done() for writer in writing) or reading.done():
                    raise SystemExit("a writer or the reader ended early")
            with connection.execute_wrapper(_clock(spent)):
                seconds, _ = timed(lambda: publish(version, now=datetime.now(UTC)))
            time.sleep(0.5)
        finally:
            stop.set()
        for writer in writing:
            writer.result()
        return seconds, spent, reading.result()


def _clock(spent: dict[str, float]) -> Callable[..., Any]:
    """Counts the time of statements, and the time since the lock was had."""
    since: list[float] = []

    def clocked(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        began = time.perf_counter()
        result = execute(sql, *rest)
        ended = time.perf_counter()
        spent["database"] += ended - began
        if not since and "scopes_integration" in sql and "FOR NO KEY UPDATE" in sql:
            since.append(ended)
        if since:
            spent["locked"] = ended - since[0]
        return result

    return clocked


def _judged(version: PolicyVersion, different: int) -> tuple[int, int, int]:
    """(verdicts of the version in force, standings that lack one, standings made since the population)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(verdict.id), count(*) - count(verdict.id), count(*) - %s
            FROM scopes_standing standing
            JOIN scopes_integration integration ON integration.id = standing.integration_id
            LEFT JOIN scopes_verdict verdict ON verdict.standing_id = standing.id
                                            AND verdict.policy_version_id = integration.policy_version_id
            WHERE integration.policy_version_id = %s
            """,
            [different, version.pk],
        )
        judged, lacking, made = cursor.fetchone()
        return judged, lacking, made


def _write(number: int) -> int:
    """Report new sets of scopes, each a standing that is new, until asked to stop."""
    source = Source.objects.get(key="terra:bench")
    recorder = Recorder(source)
    origin = Origin("terra:bench", OriginKind.LISTING, "3")
    names = [scope.name for scope in default().provider(PROVIDER).scopes]
    ids = list(Connection.objects.order_by("pk").values_list("user_id", flat=True)[number:40_000:WRITERS])
    changed = 0
    for turn in itertools.count():
        if is_stopped():
            break
        start = turn * BATCH % len(ids)
        at = datetime.now(UTC) + timedelta(minutes=1)
        facts = [
            ConnectionSeen(
                provider=PROVIDER,
                user_id=user,
                happened_at=at,
                scopes=(*names[: (turn + place) % len(names)], f"new {number} {turn * BATCH + place}"),
            )
            for place, user in enumerate(ids[start : start + BATCH])
        ]
        changed += recorder.record([(fact, origin) for fact in facts], datetime.now(UTC)).changed
    known.forget()
    connections.close_all()
    return changed


def _read(integration: int, before: int, after: int) -> dict[str, int]:
    """Read pages of connections with their verdicts, as a list does, until asked to stop; each in one statement."""
    reads = {"reads": 0, "mixed": 0, "old": 0, "new": 0}
    start = Connection.objects.order_by("pk").values_list("pk", flat=True)[0]
    starts = max(Connection.objects.count() - PAGE + 1, 1)
    while not is_stopped():
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT array_agg(DISTINCT verdict.policy_version_id), count(*) - count(verdict.id)
                FROM (SELECT standing_id FROM scopes_connection
                      WHERE id >= %s AND integration_id = %s ORDER BY id LIMIT {PAGE}) page
                JOIN scopes_integration integration ON integration.id = %s
                LEFT JOIN scopes_verdict verdict ON verdict.standing_id = page.standing_id
                                                AND verdict.policy_version_id = integration.policy_version_id
                """,
                [start + 97 * reads["reads"] % starts, integration, integration],
            )
            versions, lacking = cursor.fetchone()
        reads["reads"] += 1
        reads["mixed"] += lacking > 0 or versions not in ([before], [after])
        reads["old"] += versions == [before]
        reads["new"] += versions == [after]
    connections.close_all()
    return reads
