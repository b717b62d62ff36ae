"""`worker` runs jobs until it is stopped; what it does with them, tests/test_queue.py tries with real processes."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from scopes import queue


@pytest.mark.parametrize(("words", "at_a_time"), [((), queue.CONCURRENCY), (("--concurrency", "2"), 2)])
def test_it_runs_as_many_jobs_at_a_time_as_it_is_asked_to(
    words: tuple[str, ...], at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[int] = []
    monkeypatch.setattr(queue, "work", worked.append)
    call_command("worker", *words)
    assert worked == [at_a_time]


def test_a_concurrency_that_is_no_number_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid int value"):
        call_command("worker", "--concurrency", "many")
