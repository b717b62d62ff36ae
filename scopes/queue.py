"""The job queue. Deferred jobs are done by any worker process, or by the nightly job if no worker runs.

The only module that imports procrastinate. A job is done at least once, or at most once if it is not `repeatable`. Its
arguments are ids only, never a secret, an address or a reference id. The functions are in jobs.py; other modules defer
them by name.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, close_old_connections, connections, reset_queries, transaction
from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from procrastinate import BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision, exceptions, sql
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker
from procrastinate.contrib.django.utils import connector_params
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.tasks import Task, configure_task

from scopes.models import JobFailure
from scopes.redaction import without_addresses

ATTEMPTS = 12  # the last one comes some hours after the first
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 3600
CONCURRENCY = 4
# A worker reports every 10 seconds that it is alive.
SILENT_SECONDS = 30
FIRST = 10  # scheduled jobs come before jobs that were deferred in bulk

_KILLED = "The worker that was at it was killed, again and again."
_UNCERTAIN = "The worker that was at it was killed: nobody knows whether it was done."

log = logging.getLogger(__name__)

type Argument = int | Sequence[int]
type Body = Callable[..., object]

# Uses Django's connection: a job that is deferred in a transaction exists when that commits.
_manager = JobManager(DjangoConnector())


class QueueError(Exception):
    """The queue failed. The message says what went wrong, without arguments of a job."""


class NotFailed(QueueError):
    """The job is no longer among the failed ones."""

    def __init__(self, pk: int) -> None:
        super().__init__(f"Job {pk} is not among the failed ones: it is being retried, is done, or was deleted.")


class JobFailed(Exception):
    """What a job's function raised, without values that its message may contain. `retry_after` is in seconds."""

    def __init__(self, words: str, retry_after: float) -> None:
        super().__init__(words)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that used up its attempts. `uncertain`: it is not repeatable, and may or may not have been done."""

    pk: int
    name: str
    arguments: dict[str, Any]
    attempts: int
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs wait, how many of those are due now, how many are running, and how many failed."""

    waiting: int
    due: int
    doing: int
    failed: int


_not_repeatable: set[str] = set()
_once: set[str] = set()


class _Backoff(BaseRetryStrategy):
    """Retry after about 10, 20, 40 seconds and so on, up to an hour, or after the failure's own `retry_after`."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts + 1 >= self.attempts:
            return None
        pause = min(FIRST_PAUSE_SECONDS * 2.0**job.attempts, LONGEST_PAUSE_SECONDS) * random.uniform(0.75, 1.25)
        requested_pause = exception.retry_after if isinstance(exception, JobFailed) else 0.0
        return RetryDecision(retry_in={"seconds": int(max(pause, requested_pause))})


def job(
    name: str,
    *,
    every: str = "",
    alone: bool = True,
    attempts: int = ATTEMPTS,
    repeatable: bool = True,
    once: bool = False,
    lane: str = "",
) -> Callable[[Body], Body]:
    """Decorator: register a function as the job `name`. `every` is a crontab expression that schedules it.

    A job that fails is retried, up to `attempts` times in all. A scheduled job is not retried, because it comes again;
    at most one of its name waits, and if it is `alone`, at most one runs at a time. If its worker is killed, none of
    its name runs until `take_up_stalled`.

    A job that is not `repeatable`, such as sending a message, is begun once. If it is interrupted it counts as failed
    and uncertain, and only an agent can have it tried again.

    Of a job that waits `once`, at most one with the same arguments waits; it has one attempt, for it is deferred anew
    where it is still needed. The jobs of one `lane` run one after the other, over all workers.
    """
    if once:
        _once.add(name)
        attempts = 1
    if not repeatable:
        _not_repeatable.add(name)
        attempts = 1

    def made(body: Body) -> Body:
        def run(context: JobContext, /, timestamp: int | None = None, **arguments: Argument) -> None:
            pk, began = context.job.id or 0, time.monotonic()
            try:
                body(**arguments)
            except Exception as problem:  # noqa: BLE001 - whatever it is, it is recorded, and the job retried
                words = _words(problem)
                if every:
                    log.error("job %s failed, and comes again: %s", name, words)  # noqa: TRY400 - it may hold values
                    return
                log.warning("job %s %s failed: %s", name, pk, words)
                _record_failure(pk, words)
                wait = float(getattr(problem, "retry_after", None) or 0.0)
                raise JobFailed(words, wait).with_traceback(problem.__traceback__) from None
            log.info("job %s %s took %.1f s", name, pk, time.monotonic() - began)

        run.__module__, run.__qualname__ = body.__module__, body.__qualname__
        own = name if every else None
        task = app.task(
            name=name,
            pass_context=True,
            retry=False if every else _Backoff(attempts),
            lock=lane or (own if alone else None),
            queueing_lock=own,
            priority=FIRST if every else 0,
        )(run)
        if every:
            app.periodic(cron=every)(task)
        return body

    return made


def defer(name: str, *, at: datetime | None = None, **arguments: Argument) -> None:
    """Defer a job: done soon, or from `at` on. In a transaction it is deferred when that commits.

    One that is scheduled, or waits once, is not added while the same waits. Raises QueueError.
    """
    defer_many(name, [arguments], at=at)


def defer_many(name: str, jobs: Iterable[dict[str, Argument]], *, at: datetime | None = None) -> int:
    """Defer a job for each of `jobs`, which are its arguments; how many. All are deferred or none.

    Raises QueueError.
    """
    task = _bodies()[name]
    prepared = []
    for arguments in jobs:
        values: dict[str, Any] = {
            key: value if isinstance(value, int) else list(value) for key, value in arguments.items()
        }
        configured = configure_task(
            name=name,
            job_manager=_manager,
            lock=task.lock,
            queueing_lock=f"{name} {json.dumps(values)}" if name in _once else task.queueing_lock,
            priority=task.priority,
            schedule_at=at,
            task_kwargs=values,
        )
        prepared.append(configured.job)
    try:
        with transaction.atomic():
            _manager.batch_defer_jobs(prepared)
    except exceptions.AlreadyEnqueued:
        return 0
    except (exceptions.ProcrastinateException, Error) as problem:
        raise QueueError(f"{name} could not be deferred: {_words(problem)}") from None
    return len(prepared)


def workers_alive() -> int:
    """How many workers, on all machines, reported within the last half minute that they are alive."""
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=_silent_since()).count()


def counts() -> Counts:
    """How many jobs there are in each state."""
    due = Q(status="todo") & (Q(scheduled_at__isnull=True) | Q(scheduled_at__lte=Now()))
    found = ProcrastinateJob.objects.aggregate(
        waiting=Count("pk", filter=Q(status="todo")),
        due=Count("pk", filter=due),
        doing=Count("pk", filter=Q(status="doing")),
        failed=Count("pk", filter=Q(status="failed")),
    )
    return Counts(**found)


def oldest_due() -> datetime | None:
    """Since when the oldest of the due jobs waits; None where none is due. Two queries, however many are."""
    todo = ProcrastinateJob.objects.filter(status="todo")
    planned: datetime | None = todo.filter(scheduled_at__lte=Now()).aggregate(at=Min("scheduled_at"))["at"]
    at_once = todo.filter(scheduled_at__isnull=True).order_by("pk").values("pk")[:1]
    deferred = ProcrastinateEvent.objects.filter(job__in=at_once, type="deferred").order_by("pk")
    return min(filter(None, (planned, deferred.values_list("at", flat=True).first())), default=None)


def failed(limit: int) -> list[FailedJob]:
    """The failed jobs, the newest first, at most `limit`."""
    _bodies()
    return [_failed(row) for row in _dead().order_by("-pk")[:limit]]


def failed_job(pk: int) -> FailedJob | None:
    """The failed job with that id; None if it is not failed, or no longer exists."""
    _bodies()
    row = _dead().filter(pk=pk).first()
    return _failed(row) if row else None


def try_again(pk: int, now: datetime) -> None:
    """Retry a failed job. Raises NotFailed, QueueError."""
    try:
        with transaction.atomic():
            if not _dead().select_for_update().filter(pk=pk).exists():
                raise NotFailed(pk)
            _manager.retry_job_by_id(job_id=pk, retry_at=now)
    except exceptions.ProcrastinateException as problem:
        raise QueueError(f"Job {pk} could not be retried: {_words(problem)}") from None


def forget_failed(pks: Iterable[int]) -> None:
    """Delete those of the jobs that failed."""
    _dead().filter(pk__in=list(pks)).delete()


def take_up_stalled(now: datetime) -> int:
    """Return the jobs of killed workers to the queue; how many. Those without attempts left become failed."""
    taken = 0
    lost = Q(worker__isnull=True) | Q(worker__last_heartbeat__lt=_silent_since())
    with transaction.atomic():
        rows = ProcrastinateJob.objects.select_for_update(of=("self",), skip_locked=True)
        for row in rows.filter(lost, status="doing").order_by("pk"):
            task = _bodies().get(row.task_name)
            taken += 1
            if row.queueing_lock:
                _finish(row.pk, Status.ABORTED, delete=True)  # another may wait already, or is scheduled
            elif task and isinstance(task.retry_strategy, _Backoff) and row.attempts + 1 < task.retry_strategy.attempts:
                _manager.retry_job_by_id(job_id=row.pk, retry_at=now)
            else:
                _record_failure(row.pk, _UNCERTAIN if row.task_name in _not_repeatable else _KILLED)
                _finish(row.pk, Status.FAILED, delete=False)
    return taken


def work(concurrency: int = CONCURRENCY) -> None:
    """Run jobs, `concurrency` at a time, until the process gets a signal to end; running jobs are finished."""
    log.info("a worker begins; jobs at a time: %s", concurrency)
    asyncio.run(_run(concurrency=concurrency, delete_jobs="successful"))
    log.info("a worker ends")


def run_pending(seconds: float, now: datetime) -> None:
    """Run the due jobs in this process, beginning none after `seconds`. Does nothing if a worker is alive."""
    if workers_alive():
        return
    _bodies()
    take_up_stalled(now)
    if not counts().due:
        return

    async def until_empty() -> None:
        worker = _run(wait=False, delete_jobs="successful", install_signal_handlers=False, listen_notify=False)
        try:
            await asyncio.wait_for(worker, seconds)
        except TimeoutError:
            log.warning("not all deferred jobs are done after %s s; the rest waits", seconds)
        except Exception as problem:  # noqa: BLE001 - the jobs that wait are done another time
            log.warning("the deferred jobs could not be run: %s", _words(problem))

    # In its own thread, because the caller's may have an event loop. A daemon, so that an interrupt does not wait.
    thread = threading.Thread(target=lambda: asyncio.run(until_empty()), daemon=True)
    thread.start()
    thread.join()


async def _run(**options: Any) -> None:
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=CONCURRENCY + 2)
    with app.replace_connector(connector) as opened:
        async with opened.open_async():
            await opened.run_worker_async(task_middleware=[_own_connection], **options)


def _own_connection(call_next: Callable[[], Any], _context: JobContext, _worker: object) -> Any:
    """Run the job with a healthy database connection, and close all connections of the worker's thread afterwards."""
    close_old_connections()
    try:
        return call_next()
    finally:
        connections.close_all()
        reset_queries()


def _bodies() -> dict[str, Task[Any, Any, Any]]:
    """Name -> task, after importing the modules that the settings list."""
    app.perform_import_paths()  # type: ignore[no-untyped-call]
    return app.tasks


def _dead() -> QuerySet[ProcrastinateJob]:
    return ProcrastinateJob.objects.filter(status="failed")


def _failed(row: ProcrastinateJob) -> FailedJob:
    return FailedJob(row.pk, row.task_name, row.args, row.attempts, row.task_name in _not_repeatable)


def _finish(pk: int, status: Status, *, delete: bool) -> None:
    _manager.connector.get_sync_connector().execute_query(
        query=sql.queries["finish_job"], job_id=pk, status=status.value, delete_job=delete
    )


def _silent_since() -> Any:
    """By the database's clock, which all machines share and heartbeats use."""
    return Now() - timedelta(seconds=SILENT_SECONDS)


def _record_failure(pk: int, words: str) -> None:
    failure = {"at": timezone.now(), "words": without_addresses(words)}
    try:
        with transaction.atomic():
            JobFailure.objects.update_or_create(job=pk, defaults=failure)
    except Error as problem:
        log.warning("the reason why job %s failed could not be recorded: %s", pk, type(problem).__name__)


def _words(problem: Exception) -> str:
    """The first line of what went wrong: PostgreSQL puts the row's values into the lines after it."""
    return f"{type(problem).__name__}: {next(iter(str(problem).splitlines()), '')}"
