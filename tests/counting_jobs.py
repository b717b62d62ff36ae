"""Jobs whose runs can be counted, for tests of the queue; workers in processes of their own find them too."""

from __future__ import annotations

import os
import signal
import time

from django.utils import timezone

from scopes import queue
from scopes.models import Source, TrailEntry

SECONDS_PER_ITEM = 0.03


def _note(verb: str, subject: str = "") -> None:
    TrailEntry.objects.create(at=timezone.now(), verb=verb, actor_name=str(os.getpid()), subject=subject)


@queue.job("count_items")
def count_items(items: list[int]) -> None:
    """A source for each item, and a note of each attempt: a repeat leaves one more note, and no more sources."""
    for item in items:
        _note("counted", str(item))
        time.sleep(SECONDS_PER_ITEM)
        Source.objects.get_or_create(kind="item", name=str(item))


@queue.job("fail", attempts=2)
def fail(item: int) -> None:
    raise ValueError(f"{item} is invalid, reports ben@example.com\nDETAIL: (ben@example.com)")


@queue.job("count_once", repeatable=False)
def count_once(item: int) -> None:
    """Leaves a note, then is interrupted: by an error for an odd item, by the end of its process for an even one."""
    _note("counted once", str(item))
    if item % 2:
        raise ValueError("the line is dead")
    os.kill(os.getpid(), signal.SIGKILL)


@queue.job("count_in_lane", once=True, lane="one lane")
def count_in_lane(item: int) -> None:
    _note("counted in a lane", str(item))


@queue.job("tick", every="* * * * *")
def tick() -> None:
    _note("ticked")


@queue.job("failing_tick", every="0 0 1 1 *")
def failing_tick() -> None:
    raise ValueError("the hand is off")
