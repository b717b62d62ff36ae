"""The job queue: what is deferred is done once a worker is free, on any machine, or by the nightly job where none runs.

The only module that knows procrastinate. A job is done at least once, or at most once where it is not `repeatable`.
Its body takes ids only, never a secret, an address or a reference id. Bodies stand in jobs.py; everybody else defers
them by name.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, close_old_connections, connections, reset_queries, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from procrastinate import BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision, exceptions, sql
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.contrib.django.utils import connector_params
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.tasks import Task, configure_task

TRIES = 12  # the last comes some hours after the first
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 3600
CONCURRENCY = 4
# A worker says every 10 seconds that it lives.
SILENT_SECONDS = 30
FIRST = 10  # what the schedule brings goes before what somebody deferred in bulk

_KILLED = "The worker that was at it was killed, again and again."
_UNCERTAIN = "The worker that was at it was killed: nobody knows whether it was done."

log = logging.getLogger(__name__)

type Argument = int | Sequence[int]
type Body = Callable[..., object]

# Through Django's own connection: deferred in a transaction, a job is there when that commits, and not before.
_manager = JobManager(DjangoConnector())


class QueueError(Exception):
    """The queue could not do it; the text says what went wrong, and no argument of a job."""


class NotFailed(QueueError):
    """The job is not among the failed ones any more."""

    def __init__(self, pk: int) -> None:
        super().__init__(f"Job {pk} is not among the failed ones: it is being tried again, or was done, or forgotten.")


class JobFailed(Exception):
    """What a body raised, told without the values that the exception may hold."""

    def __init__(self, words: str, retry_after: float) -> None:
        super().__init__(words)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was tried as often as it may be. `uncertain`: it is not repeatable, and may have been done or not."""

    pk: int
    name: str
    arguments: dict[str, Any]
    tries: int
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs wait (`due` of them until now), are being done, and have failed."""

    waiting: int
    due: int
    doing: int
    failed: int


def _unkept(pk: int, words: str) -> None:
    log.warning("nobody keeps why job %s failed: %s", pk, words)


_keep: Callable[[int, str], object] = _unkept
_not_repeatable: set[str] = set()


def record_failures_with(keep: Callable[[int, str], object]) -> None:
    """Let `keep` write down why a job failed: it is called with the job's id and the words after each failed try."""
    global _keep  # noqa: PLW0603 - the records lie beside this module, so who knows both hands it in
    _keep = keep


class _Backoff(BaseRetryStrategy):
    """About 10, 20, 40 seconds and so on up to an hour, or as long as the failure itself asks to wait."""

    def __init__(self, tries: int) -> None:
        self.tries = tries

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts + 1 >= self.tries:
            return None
        pause = min(FIRST_PAUSE_SECONDS * 2.0**job.attempts, LONGEST_PAUSE_SECONDS) * random.uniform(0.75, 1.25)
        asked = exception.retry_after if isinstance(exception, JobFailed) else 0.0
        return RetryDecision(retry_in={"seconds": int(max(pause, asked))})


def job(
    name: str, *, every: str = "", alone: bool = True, tries: int = TRIES, repeatable: bool = True
) -> Callable[[Body], Body]:
    """Make a function the body of the jobs of that name; `every` (as in a crontab) defers one by the clock.

    A job that fails is tried again, `tries` times in all. One that comes by the clock is not, for it comes again
    anyhow; it waits once at most and, where it is to be `alone`, never runs twice at the same time. Where its worker
    is killed, none of its name runs before the stalled jobs are taken up.

    One that is not `repeatable` (a letter that is sent) is begun once: whatever cuts it off, it is told as uncertain,
    and only a person who looked has it tried again.
    """
    if not repeatable:
        _not_repeatable.add(name)
        tries = 1

    def made(body: Body) -> Body:
        def run(context: JobContext, /, timestamp: int | None = None, **arguments: Argument) -> None:
            pk, began = context.job.id or 0, time.monotonic()
            try:
                body(**arguments)
            except Exception as problem:  # noqa: BLE001 - whatever it is, it is kept, and the job tried again
                words = _words(problem)
                if every:
                    log.error("job %s failed, and comes again: %s", name, words)  # noqa: TRY400 - it may hold values
                    return
                log.warning("job %s %s failed: %s", name, pk, words)
                _keep_quietly(pk, words)
                wait = float(getattr(problem, "retry_after", None) or 0.0)
                raise JobFailed(words, wait).with_traceback(problem.__traceback__) from None
            log.info("job %s %s took %.1f s", name, pk, time.monotonic() - began)

        run.__module__, run.__qualname__ = body.__module__, body.__qualname__
        once = name if every else None
        task = app.task(
            name=name,
            pass_context=True,
            retry=False if every else _Backoff(tries),
            lock=once if alone else None,
            queueing_lock=once,
            priority=FIRST if every else 0,
        )(run)
        if every:
            app.periodic(cron=every)(task)
        return body

    return made


def defer(name: str, *, at: datetime | None = None, **arguments: Argument) -> None:
    """Have a job of that name done: soon, or from `at` on. In a transaction, it is there when that commits.

    One that comes by the clock too is not doubled while it waits. Raises QueueError.
    """
    defer_many(name, [arguments], at=at)


def defer_many(name: str, jobs: Iterable[dict[str, Argument]], *, at: datetime | None = None) -> int:
    """Have a job of that name done for each of `jobs`, its arguments; how many. All are deferred or none.

    Raises QueueError.
    """
    task = _bodies()[name]
    prepared = [
        configure_task(
            name=name,
            job_manager=_manager,
            lock=task.lock,
            queueing_lock=task.queueing_lock,
            priority=task.priority,
            schedule_at=at,
            task_kwargs={key: value if isinstance(value, int) else list(value) for key, value in arguments.items()},
        ).job
        for arguments in jobs
    ]
    try:
        with transaction.atomic():
            _manager.batch_defer_jobs(prepared)
    except exceptions.AlreadyEnqueued:
        return 0
    except (exceptions.ProcrastinateException, Error) as problem:
        raise QueueError(f"{name} could not be deferred: {_words(problem)}") from None
    return len(prepared)


def workers_alive() -> int:
    """How many workers, on whatever machine, have said within the last half minute that they live."""
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=_silent_since()).count()


def counts() -> Counts:
    """How many jobs there are, by what becomes of them."""
    due = Q(status="todo") & (Q(scheduled_at__isnull=True) | Q(scheduled_at__lte=Now()))
    found = ProcrastinateJob.objects.aggregate(
        waiting=Count("pk", filter=Q(status="todo")),
        due=Count("pk", filter=due),
        doing=Count("pk", filter=Q(status="doing")),
        failed=Count("pk", filter=Q(status="failed")),
    )
    return Counts(**found)


def failed(limit: int) -> list[FailedJob]:
    """The jobs that were tried in vain, the newest first, `limit` at most."""
    _bodies()
    return [_failed(row) for row in _dead().order_by("-pk")[:limit]]


def failed_job(pk: int) -> FailedJob | None:
    """The failed job of that id, if it is one still."""
    _bodies()
    row = _dead().filter(pk=pk).first()
    return _failed(row) if row else None


def try_again(pk: int, now: datetime) -> None:
    """Have a failed job tried once more. Raises NotFailed."""
    try:
        with transaction.atomic():
            if not _dead().select_for_update().filter(pk=pk).exists():
                raise NotFailed(pk)
            _manager.retry_job_by_id(job_id=pk, retry_at=now)
    except exceptions.ProcrastinateException as problem:
        raise QueueError(f"Job {pk} could not be tried again: {_words(problem)}") from None


def forget_failed(pks: Iterable[int]) -> None:
    """Forget those of the jobs that have failed."""
    _dead().filter(pk__in=list(pks)).delete()


def take_up_stalled(now: datetime) -> int:
    """Give the jobs of workers that were killed to others; how many. One that killed often enough has failed."""
    taken = 0
    lost = Q(worker__isnull=True) | Q(worker__last_heartbeat__lt=_silent_since())
    with transaction.atomic():
        rows = ProcrastinateJob.objects.select_for_update(of=("self",), skip_locked=True)
        for row in rows.filter(lost, status="doing").order_by("pk"):
            task = _bodies().get(row.task_name)
            taken += 1
            if row.queueing_lock:
                _finish(row.pk, Status.ABORTED, delete=True)  # another may wait already, or comes by the clock
            elif task and isinstance(task.retry_strategy, _Backoff) and row.attempts + 1 < task.retry_strategy.tries:
                _manager.retry_job_by_id(job_id=row.pk, retry_at=now)
            else:
                _keep_quietly(row.pk, _UNCERTAIN if row.task_name in _not_repeatable else _KILLED)
                _finish(row.pk, Status.FAILED, delete=False)
    return taken


def work(concurrency: int = CONCURRENCY) -> None:
    """Do jobs, `concurrency` at a time, until the process is told to end; those that were begun are finished."""
    log.info("a worker begins; jobs at a time: %s", concurrency)
    asyncio.run(_run(concurrency=concurrency, delete_jobs="successful"))
    log.info("a worker ends")


def run_pending(seconds: float, now: datetime) -> None:
    """Do in this process what is due, and begin no job after `seconds`. Does nothing where a worker lives."""
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
            log.warning("not everything that was deferred is done after %s s; the rest waits", seconds)
        except Exception as problem:  # noqa: BLE001 - what waits is done another time
            log.warning("what was deferred could not be worked off: %s", _words(problem))

    # In a thread of its own, for the caller's may have an event loop already. Who is interrupted does not wait for it.
    thread = threading.Thread(target=lambda: asyncio.run(until_empty()), daemon=True)
    thread.start()
    thread.join()


async def _run(**options: Any) -> None:
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=CONCURRENCY + 2)
    with app.replace_connector(connector) as opened:
        async with opened.open_async():
            await opened.run_worker_async(task_middleware=[_own_connection], **options)


def _own_connection(call_next: Callable[[], Any], _context: JobContext, _worker: object) -> Any:
    """The body runs with a healthy connection to the database, and leaves none behind in the worker's thread."""
    close_old_connections()
    try:
        return call_next()
    finally:
        connections.close_all()
        reset_queries()


def _bodies() -> dict[str, Task[Any, Any, Any]]:
    """The bodies by name, once the modules that the settings name are there."""
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
    """By the database's clock, as the heartbeats are: it is the one that all machines share."""
    return Now() - timedelta(seconds=SILENT_SECONDS)


def _keep_quietly(pk: int, words: str) -> None:
    try:
        with transaction.atomic():
            _keep(pk, words)
    except Error as problem:
        log.warning("why job %s failed could not be kept: %s", pk, type(problem).__name__)


def _words(problem: Exception) -> str:
    """What went wrong. PostgreSQL tells the row's values in the lines after the first, so these are left out."""
    return f"{type(problem).__name__}: {next(iter(str(problem).splitlines()), '')}"
