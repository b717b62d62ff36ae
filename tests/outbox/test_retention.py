"""How long events are stored: a month once delivered, three where they were not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.models import OutboxEvent, Sending
from scopes.outbox import retention
from scopes.outbox.writing import NewEvent, write
from tests import cast
from tests.outbox.receiving import endpoint

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("piece", [1, retention.PIECE])
def test_what_is_old_is_deleted_in_pieces_and_an_event_with_its_last_sending(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(retention, "PIECE", piece)
    one, two = endpoint("one"), endpoint("two")
    write([NewEvent("audit.finished", key, {}) for key in ("delivered", "failed", "waiting")], cast.NOW)
    for state in ("delivered", "failed"):
        Sending.objects.filter(ordering_key=state, endpoint=one).update(state=state, error="x", ended_at=cast.NOW)
        Sending.objects.filter(ordering_key=state, endpoint=two).update(state="delivered", ended_at=cast.NOW)

    def left(days: int) -> list[tuple[int, int]]:
        retention.delete_old(cast.NOW + timedelta(days=days, seconds=1))
        return [(OutboxEvent.objects.count(), Sending.objects.count())]

    assert left(29) == [(3, 6)]
    assert left(30) == [(2, 3)]
    assert left(90) == [(1, 2)]
    assert left(93) == [(0, 0)]
