"""Webhooks while the portal is killed, or its database is stopped: each is recorded once, and none is lost."""

from __future__ import annotations

from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

import pytest

from portal.embedded_postgres import Cluster
from tests.faults.machine import Machine, Machines, kill, until
from tests.faults.terra import NO_ANSWER, Delivery, Sender, deliveries_of, user_id

pytestmark = pytest.mark.faults
PEOPLE, LOCKED = 60, 15  # who gets every kind of event
DeliveriesByPerson = list[list[Delivery]]


@pytest.fixture(scope="module")
def sent() -> DeliveriesByPerson:
    return deliveries_of(PEOPLE)


@pytest.fixture(scope="module")
def undisturbed(sent: DeliveriesByPerson, machines: Machines) -> list[tuple[Any, ...]]:
    """The records of a portal that nothing happened to."""
    machine = machines()
    with machine.serving():
        sender = Sender(machine.hook)
        sender.deliver_all(sent)
    assert sender.answers == {HTTPStatus.OK: sum(map(len, sent))}
    return machine.records()


def test_a_portal_that_was_killed_records_each_webhook_once(
    sent: DeliveriesByPerson, undisturbed: list[tuple[Any, ...]], machine: Machine
) -> None:
    sender = Sender(machine.hook)
    with ExitStack() as stack:
        server = stack.enter_context(machine.serving())
        sender.deliver(sent[LOCKED][:1])

        def kill_and_serve_again() -> None:
            with machine.locked_row(user_id(LOCKED)) as a_write_waits:
                until(a_write_waits)
                kill(server)
            stack.enter_context(machine.serving())

        sender.deliver_all(sent, kill_and_serve_again)

    assert sender.answers[NO_ANSWER]
    assert machine.number("SELECT sum(repeats) FROM scopes_delivery") >= 1
    assert_nothing_lost(machine, sent, undisturbed)


def test_a_database_that_was_stopped_and_started_lost_no_webhook(
    sent: DeliveriesByPerson, undisturbed: list[tuple[Any, ...]], machine: Machine, server: Cluster
) -> None:
    sender = Sender(machine.hook)

    def stop_and_start() -> None:
        until(lambda: sender.answers[HTTPStatus.OK] >= PEOPLE // 2)
        server.stop()
        try:
            until(lambda: sender.answers[HTTPStatus.SERVICE_UNAVAILABLE] >= PEOPLE // 2)
        finally:
            with server.held():
                pass  # the tests' own use of it keeps it running

    with machine.serving():
        sender.deliver_all(sent, stop_and_start)

    assert_nothing_lost(machine, sent, undisturbed)


def assert_nothing_lost(machine: Machine, sent: DeliveriesByPerson, undisturbed: list[tuple[Any, ...]]) -> None:
    """All is stored once; with pending deliveries processed, the records are those of the undisturbed portal."""
    machine.run("replay_deliveries", "--apply", "--fail-on", "failed")

    assert machine.number("SELECT count(*) FROM scopes_delivery") == sum(map(len, sent))
    assert machine.number("SELECT count(*) FROM scopes_delivery WHERE processed_at IS NULL") == 0
    assert machine.records() == undisturbed
    assert machine.contradictions() == {}
