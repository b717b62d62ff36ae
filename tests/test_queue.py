"""The queue: a deferred job is done at least once, whatever is killed; a failed one is repeated, then reported."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from scopes import queue
from scopes.models import JobFailure, Source, TrailEntry
from tests import (
    command_line,
    counting_jobs,  # noqa: F401 - its jobs are the queue's
)

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def time_passes() -> None:
    """Jobs that were to be repeated later are due now."""
    execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")


def run_pending() -> None:
    queue.run_pending(PATIENCE, timezone.now())


def done() -> set[str]:
    return set(Source.objects.values_list("key", flat=True))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "It did not happen."
        time.sleep(0.05)


def test_without_a_worker_due_jobs_are_done_in_this_process_and_then_deleted() -> None:
    queue.defer_many("count_items", [{"items": [1, 2]}, {"items": [3]}])
    queue.defer("count_items", items=[4], at=timezone.now() + timedelta(hours=1))

    run_pending()

    assert done() == {"item:1", "item:2", "item:3"}
    assert queue.counts() == queue.Counts(waiting=1, due=0, doing=0, failed=0)
    assert queue.workers_alive() == 0
    time_passes()
    run_pending()
    assert "item:4" in done()


def test_where_a_worker_runs_the_jobs_are_left_to_it() -> None:
    execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    queue.defer("count_items", items=[1])

    run_pending()

    assert queue.workers_alive() == 1
    assert done() == set()
    execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
    run_pending()
    assert done() == {"item:1"}


def test_work_in_this_process_ends_in_time_and_jobs_in_progress_are_finished() -> None:
    queue.defer_many("count_items", [{"items": [number]} for number in range(200)])

    queue.run_pending(2, timezone.now())

    counts = queue.counts()
    assert counts.doing == 0 and counts.waiting > 0
    assert len(done()) == 200 - counts.waiting


def test_a_job_deferred_in_a_transaction_exists_when_it_commits() -> None:
    with transaction.atomic():
        queue.defer("count_items", items=[1])
        transaction.set_rollback(True)
    assert queue.counts().waiting == 0

    with transaction.atomic():
        queue.defer("count_items", items=[1])
    assert queue.counts().waiting == 1


def test_a_failing_job_is_retried_then_kept_with_its_reason_and_can_be_retried_by_hand() -> None:
    queue.defer("fail", item=7)
    run_pending()
    waiting = queue.counts()
    assert (waiting.waiting, waiting.due, waiting.failed) == (1, 0, 0)
    time_passes()
    run_pending()

    (dead,) = queue.failed(10)
    assert (dead.name, dead.arguments, dead.attempts) == ("fail", {"item": 7}, 2)
    assert JobFailure.objects.get(job=dead.pk).words == "ValueError: 7 is invalid, reports [address]"
    assert queue.counts().failed == 1
    queue.try_again(dead.pk, timezone.now())
    assert queue.counts().due == 1
    with pytest.raises(queue.NotFailed):
        queue.try_again(dead.pk, timezone.now())
    run_pending()
    assert queue.failed_job(dead.pk) == queue.FailedJob(dead.pk, "fail", {"item": 7}, 4)


def test_a_periodic_job_waits_once_and_is_no_failed_job(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        queue.defer("failing_tick")
    assert queue.counts().waiting == 1

    with caplog.at_level(logging.ERROR):
        run_pending()

    assert queue.counts() == queue.Counts(waiting=0, due=0, doing=0, failed=0)
    assert "job failing_tick failed, and comes again: ValueError: the hand is off" in caplog.text


def test_a_job_that_waits_once_is_not_deferred_twice_and_of_a_lane_one_runs_at_a_time() -> None:
    for item in (1, 1, 2):
        queue.defer("count_in_lane", item=item)
    assert queue.counts().waiting == 2

    execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    with connection.cursor() as cursor:
        fetched = []
        for _ in range(2):
            cursor.execute("SELECT args FROM procrastinate_fetch_job_v2(NULL, (SELECT id FROM procrastinate_workers))")
            fetched += [args for (args,) in cursor.fetchall() if args]
    assert [json.loads(args) for args in fetched] == [{"item": 1}]
    queue.defer("count_in_lane", item=1)
    assert queue.counts().waiting == 2, "the one that runs is none that waits"


def test_a_job_whose_worker_was_killed_too_often_has_failed() -> None:
    queue.defer("fail", item=1)
    for _ in range(2):
        execute("UPDATE procrastinate_jobs SET status = 'doing'")
        assert queue.take_up_stalled(timezone.now()) == 1

    (dead,) = queue.failed(10)
    assert "killed" in JobFailure.objects.get(job=dead.pk).words
    assert queue.take_up_stalled(timezone.now()) == 0


@contextmanager
def workers(number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """That many workers, each a process of its own that does one job at a time; ended with the block."""
    environment = command_line.variables(DJANGO_SETTINGS_MODULE="tests.worker_settings")
    processes = [
        subprocess.Popen(
            [sys.executable, command_line.MANAGE, "worker", "--concurrency", "1"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(number)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(PATIENCE)


def test_a_job_that_is_not_repeatable_runs_once_and_is_uncertain_after_an_interruption() -> None:
    notes = TrailEntry.objects.filter(verb="counted once")
    with workers(1) as processes:
        queue.defer("count_once", item=1)
        until(lambda: queue.counts().failed == 1)
        queue.defer("count_once", item=2)
        until(lambda: processes[0].poll() == -signal.SIGKILL)
    execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
    for _ in range(2):
        run_pending()
        time_passes()

    assert sorted(notes.values_list("subject", flat=True)) == ["1", "2"]
    assert [(dead.arguments, dead.uncertain) for dead in queue.failed(10)] == [({"item": 2}, True), ({"item": 1}, True)]
    assert "nobody knows whether it was done" in JobFailure.objects.get(job=queue.failed(1)[0].pk).words
    assert not queue.FailedJob(1, "fail", {}, 1).uncertain


def test_of_three_workers_one_is_killed_and_everything_is_still_done() -> None:
    # A worker was killed while it took over the jobs of killed workers.
    queue.defer("stalled_jobs")
    execute("UPDATE procrastinate_jobs SET status = 'doing'")
    chunks = [list(range(first, first + 10)) for first in range(0, 300, 10)]
    notes = TrailEntry.objects.filter(verb="counted")
    minute = time.time() // 60

    with workers(3) as processes:
        until(lambda: queue.workers_alive() == 3)
        queue.defer_many("count_items", [{"items": chunk} for chunk in chunks])
        until(lambda: len(set(notes.values_list("actor_name", flat=True))) == 3)
        victim = processes[1]
        until(lambda: 2 <= notes.filter(actor_name=str(victim.pid)).count() % 10 <= 5)
        victim.send_signal(signal.SIGKILL)
        until(lambda: queue.counts().due == 0)
        until(lambda: queue.counts().doing <= 1)
        assert len(done()) < 300, "it was killed in the middle of a chunk"
        # Half a minute without a heartbeat of its worker.
        execute(
            """
            UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'
            WHERE id IN (SELECT worker_id FROM procrastinate_jobs WHERE status = 'doing' AND task_name = 'count_items')
            """
        )
        queue.defer("stalled_jobs")
        until(lambda: len(done()) == 300)
        until(lambda: queue.counts().doing + queue.counts().waiting == 0)
        others = [process.poll() for process in processes if process is not victim]
        assert others == [None, None]

    repeated = Counter(notes.values_list("subject", flat=True))
    assert sum(repeated.values()) == 300 + sum(1 for times in repeated.values() if times == 2)
    assert 1 <= sum(1 for times in repeated.values() if times == 2) <= 10
    assert queue.workers_alive() <= 1, "a worker that ends on request deregisters; a killed one cannot"
    ticks = TrailEntry.objects.filter(verb="ticked").count()
    assert 1 <= ticks <= 1 + time.time() // 60 - minute, "each minute runs once, however many workers there are"
