"""The result of a batch names what ended, and the counts of several batches add up."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.facts import LinkState, Origin, OriginKind
from scopes.intake.recording.recorded import Recorded
from scopes.intake.recording.row import Row, Step
from scopes.judge.rules import StandingFacts
from tests.cast import CONSENTED, NOW

KEY = (1, "ada-oura")


def row(link: LinkState) -> Row:
    return Row(1, "ada-oura", StandingFacts(1, link), CONSENTED, CONSENTED)


@pytest.mark.parametrize(
    ("before", "after", "ended"),
    [
        (LinkState.ACTIVE, LinkState.ACTIVE, False),
        (LinkState.ACTIVE, LinkState.UNCONFIRMED, False),
        (LinkState.ACTIVE, LinkState.REVOKED, True),
        (LinkState.GONE, LinkState.ACTIVE, True),
    ],
)
def test_a_connection_whose_link_did_not_work_at_some_step_ended(
    before: LinkState, after: LinkState, ended: bool
) -> None:
    recorded = Recorded()
    step = Step(row(after), NOW, Origin("terra:prod", OriginKind.WEBHOOK, "delivery:1"))

    recorded.note_ended(KEY, row(before), [step])

    assert recorded.ended == ({KEY} if ended else set())


def test_the_counts_of_batches_add_up_and_their_connections_do_not() -> None:
    counts: dict[str, Any] = {"new": 1, "changed": 2, "unchanged": 3, "former": 4, "pulses": 5, "failed_attempts": 6}
    recorded = Recorded(**counts, unknown_scopes=["a"], connections=[1])

    recorded.add(Recorded(**counts, unknown_scopes=["b"], connections=[2]))

    assert {name: getattr(recorded, name) for name in counts} == {name: 2 * count for name, count in counts.items()}
    assert (recorded.unknown_scopes, recorded.connections) == (["a", "b"], [1])
