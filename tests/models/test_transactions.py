"""What a deadlock ends is done again as a whole, by whoever began the transaction."""

from __future__ import annotations

from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction

from scopes.models import Source
from scopes.models.transactions import in_transaction, limited
from tests.concurrently import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_that_wait_for_each_other_both_end_well_though_each_is_a_transaction_of_several_steps() -> None:
    rows = [Source.objects.create(kind="terra", name=name).pk for name in ("one", "two")]
    meet, begun = Barrier(2), [0]

    @in_transaction
    def step(pk: int) -> None:
        Source.objects.select_for_update().get(pk=pk)

    @in_transaction
    def both(order: list[int]) -> None:
        begun[0] += 1
        step(order[0])
        if begun[0] <= 2:
            meet.wait(30)
        step(order[1])

    def work(order: list[int]) -> None:
        both(order)
        connection.close()

    at_once(lambda: work(rows), lambda: work(rows[::-1]))
    assert begun[0] >= 3, "one of them was ended by the database, and done again"


def test_the_lock_timeout_is_respected() -> None:
    pk = Source.objects.create(kind="terra", name="one").pk
    held, done = Barrier(2), Barrier(2)

    def hold() -> None:
        with transaction.atomic():
            Source.objects.select_for_update().get(pk=pk)
            held.wait(30)
            done.wait(30)
        connection.close()

    def wait() -> None:
        held.wait(30)
        try:
            with pytest.raises(OperationalError, match="lock timeout"):
                limited(lock="50ms")(Source.objects.select_for_update().get)(pk=pk)
        finally:
            done.wait(30)
            connection.close()

    at_once(hold, wait)
