"""How a process of a measurement begins. Imports nothing of ours, because Django is not set up yet."""

from __future__ import annotations

from multiprocessing.synchronize import Event

_stop: Event | None = None


def begin() -> None:
    """Set Django up in a new process."""
    import django

    django.setup()


def begin_until(stop: Event) -> None:
    """The same, in a process that works until it is asked to stop."""
    global _stop  # noqa: PLW0603 - an event reaches a spawned process this way only
    _stop = stop
    begin()


def is_stopped() -> bool:
    """Whether this process was asked to stop."""
    return _stop is not None and _stop.is_set()
