"""Move connections to another standing for what no source reports: a plan, a waiver, the true policy of a consent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from scopes.facts import Origin
from scopes.intake.recording import rows
from scopes.intake.recording.row import Step
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of, intern
from scopes.models.transactions import in_transaction


@in_transaction
def transition(
    connections: Sequence[int],
    change: Callable[[StandingFacts], StandingFacts],
    origin: Origin,
    now: datetime,
) -> int:
    """Apply `change` to the standing of each connection, in one transaction; returns how many changed."""
    found = rows.find_by_id(connections)
    standings = facts_of(row.standing for row in found)
    moved = []
    for row in found:
        before = row.as_row(standings)
        standing = change(before.standing)
        if standing != before.standing:
            moved.append((row, [Step(before._replace(standing=standing), now, origin)]))
    rows.update(moved, intern(steps[0].row.standing for _, steps in moved), now)
    return len(moved)
