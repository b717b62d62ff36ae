"""What the records of a connection must look like, whatever happened to it."""

from __future__ import annotations

from itertools import pairwise

from scopes.models import Connection, Period


def checked(connection: Connection) -> list[Period]:
    """The periods of `connection`, oldest first; asserts that they have no gap, one is open, and the copy is right."""
    periods = list(connection.periods.select_related("standing").order_by("pk"))
    for before, after in pairwise(periods):
        if after.origin_record.startswith("merge:"):
            assert before.until is not None
            assert before.until <= after.since, "it was merged into another in between"
            continue
        assert before.until == after.since
        assert before.standing_id != after.standing_id
    if connection.merged_into_id is None:
        assert periods[-1].until is None
        assert periods[-1].standing_id == connection.standing_id
    else:
        assert periods[-1].until is not None
    return periods
