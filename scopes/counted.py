"""A number and what it counts, in the right form: 1 connection, 2 connections, 1,000 people."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """The number and its noun; `many` is given where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
