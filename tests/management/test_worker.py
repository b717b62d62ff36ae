"""`worker` runs jobs until it is stopped; what it does with them, tests/test_queue.py tries with real processes."""

from __future__ import annotations

import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django import Settings

from scopes import queue
from tests.faults.machine import free_port


@pytest.mark.parametrize(("words", "at_a_time"), [((), queue.CONCURRENCY), (("--concurrency", "2"), 2)])
def test_it_runs_as_many_jobs_at_a_time_as_it_is_asked_to(
    words: tuple[str, ...], at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[int] = []
    monkeypatch.setattr(queue, "work", worked.append)
    call_command("worker", *words)
    assert worked == [at_a_time]


def test_it_reports_its_metrics_at_an_address_of_its_own(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    port = free_port()
    settings.PORTAL_WORKER_METRICS = ("127.0.0.1", port)
    read: list[str] = []
    monkeypatch.setattr(queue, "work", lambda _: read.append(requests.get(f"http://127.0.0.1:{port}", timeout=9).text))

    call_command("worker")

    assert "# TYPE portal_source_answer_seconds histogram" in read[0]
    with pytest.raises(CommandError, match=f"127.0.0.1:{port} is not free"):
        call_command("worker")


def test_a_concurrency_that_is_no_number_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid int value"):
        call_command("worker", "--concurrency", "many")
