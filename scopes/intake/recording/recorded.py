"""The result of recording a batch of facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scopes.intake.matching.decision import ENDED
from scopes.intake.recording.row import Key, Row, Step

Broken = tuple[int, int, datetime, str]  # a connection, its integration, when it was observed, the state of its link


@dataclass(slots=True)
class Recorded:
    """The result of a batch. `connections` are the pks of all that its facts were about.

    `ended` are the keys whose link did not work before, at some step, or now. `without_attempt` are the source's ids
    that were only observed and belong to no attempt of a link. `quarantined` are the working connections reported as
    broken, if that must not be recorded yet. `merged` are the connections that another was merged into. `released` is
    how many deliveries had waited for one of the new connections.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    former: int = 0
    pulses: int = 0
    failed_attempts: int = 0
    released: int = 0
    unknown_scopes: list[str] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    changed_connections: list[int] = field(default_factory=list)
    to_compare: list[int] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)
    ended: set[Key] = field(default_factory=set)
    without_attempt: set[str] = field(default_factory=set)
    quarantined: list[Broken] = field(default_factory=list)

    def note_ended(self, key: Key, before: Row, steps: Sequence[Step]) -> None:
        """Add the key to `ended` if its link does not work in `before` or after any of the steps."""
        if any(row.standing.link in ENDED for row in (before, *(step.row for step in steps))):
            self.ended.add(key)

    def add(self, other: Recorded) -> None:
        """Add the counts and unknown scopes of another batch, but not its lists of connections."""
        for name in ("new", "changed", "unchanged", "former", "pulses", "failed_attempts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unknown_scopes += other.unknown_scopes
