"""Do the records bear a million connections? Publish, census, a rare reason page by page, writers side by side."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median

from django.db import connection, connections

from benchmarks.population import policy_for, populate
from benchmarks.process import begin
from scopes.facts import ConnectionSeen, Origin, OriginKind
from scopes.intake.recording.recorder import Recorder
from scopes.judge import census
from scopes.judge.lookup import page, standings_where
from scopes.judge.policy import draft, publish
from scopes.judge.standing import known
from scopes.models import Connection, Integration, Period, Source, Verdict

Row = tuple[str, str]


def run(count: int, different: int, writers: int, changes: int) -> list[Row]:
    """Fill the database and measure; rows of (what, figure)."""
    seconds, _ = timed(lambda: populate(count, different))
    rows = [(f"fill {count:,} connections, {different:,} standings (plain SQL)", f"{seconds:.1f} s")]
    rows += _judging()
    rows += _lists()
    rows += _writers(writers, changes)
    return rows


def timed[Result](work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that `work` took, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _judging() -> list[Row]:
    now = datetime.now(UTC)
    integration = max(Integration.objects.all(), key=lambda row: row.standings.count())
    version = draft(integration, policy_for(integration.provider.slug, features=6), author="bench", now=now)
    publishing, _ = timed(lambda: publish(version, now=now))
    counting = median(timed(lambda: census.take(now))[0] for _ in range(5))
    judged = Verdict.objects.filter(policy_version=version).count()
    return [
        (f"publish a policy: {judged:,} verdicts written, pointer moved", f"{publishing * 1000:.0f} ms"),
        ("census (one GROUP BY over all)", f"{counting * 1000:.0f} ms"),
    ]


def _lists() -> list[Row]:
    rows = []
    sizes = {(integration, scope, reason): n for integration, scope, reason, n in _reasons()}
    if not sizes:
        return [("list a reason", "nothing is missing anywhere")]
    for name, pick in (("rarest", min), ("commonest", max)):
        integration, scope, reason = pick(sizes, key=sizes.__getitem__)
        size = sizes[integration, scope, reason]

        def first(integration: int = integration, scope: str = scope, reason: str = reason) -> int:
            found = list(page(standings_where(integration=integration, scope=scope, reason=reason)))
            return found[-1].pk if found else 0

        def following(
            integration: int = integration, scope: str = scope, reason: str = reason, after: int = first()
        ) -> list[Connection]:
            return list(page(standings_where(integration=integration, scope=scope, reason=reason), after=after))

        rows.append(
            (
                f"list the {name} reason ({reason}, {size:,} connections), first page / next page",
                " / ".join(f"{median(timed(work)[0] for _ in range(9)) * 1000:.1f} ms" for work in (first, following)),
            )
        )
    return rows


def _reasons() -> list[tuple[int, str, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT standing.integration_id, split_part(entry, '=', 1), split_part(entry, '=', 2), sum(connections)
            FROM scopes_census census
            JOIN scopes_standing standing ON standing.id = census.standing_id
            JOIN scopes_integration integration ON integration.id = standing.integration_id
            JOIN scopes_verdict verdict ON verdict.standing_id = standing.id
                                       AND verdict.policy_version_id = integration.policy_version_id
            CROSS JOIN unnest(verdict.missing) entry
            GROUP BY 1, 2, 3
            """
        )
        return [(a, b, c, int(n)) for a, b, c, n in cursor.fetchall()]


def _writers(writers: int, changes: int) -> list[Row]:
    before = Period.objects.count()
    share = -(-changes // writers)
    connections.close_all()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(writers, mp_context=spawn, initializer=begin) as pool:
        jobs = list(pool.map(_read_job, range(writers), [share] * writers))
        seconds, changed = timed(lambda: sum(pool.map(_write, jobs)))
    sent = sum(map(len, jobs))
    periods = Period.objects.count() - before
    if not changed == periods == sent:
        raise SystemExit(f"{sent:,} changes were sent, {changed:,} recorded, {periods:,} periods written")
    return [
        (
            f"{changed:,} changes from {sum(map(bool, jobs))} processes at once, none lost",
            f"{seconds:.2f} s, {changed / seconds:,.0f}/s",
        )
    ]


def _read_job(number: int, share: int) -> list[ConnectionSeen]:
    """The facts that one writer sends: each connection of its share has lost a scope."""
    at = datetime.now(UTC) + timedelta(minutes=1)
    rows = Connection.objects.filter(standing__reported__len__gt=1).order_by("pk")[
        number * share : (number + 1) * share
    ]
    return [
        ConnectionSeen(
            provider=row.integration.provider.slug,
            user_id=row.user_id,
            happened_at=at,
            scopes=tuple((row.standing.reported or [])[1:]),
        )
        for row in rows.select_related("integration__provider", "standing")
    ]


def _write(facts: list[ConnectionSeen]) -> int:
    known.forget()
    recorder = Recorder(Source.objects.get(key="terra:bench"))
    origin = Origin("terra:bench", OriginKind.LISTING, "2")
    changed = 0
    for start in range(0, len(facts), 250):
        changed += recorder.record([(fact, origin) for fact in facts[start : start + 250]], datetime.now(UTC)).changed
    connections.close_all()
    return changed
