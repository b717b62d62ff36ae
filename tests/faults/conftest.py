"""A PostgreSQL for the faults alone, which may be stopped, with fsync on; and a database of it for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from portal import embedded_postgres
from portal.embedded_postgres import Cluster
from tests.faults.machine import Machine, Machines

MIGRATED = "migrated"


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """The running PostgreSQL, gone with the tests. Its database MIGRATED has our tables."""
    own = embedded_postgres.named(f"faults-{uuid.uuid4().hex[:8]}")
    try:
        with own.held():
            _create(own, MIGRATED)
            Machine(own.url(MIGRATED)).run("migrate", "--verbosity", "0")
            assert _query(own, "SHOW fsync") == "on"
            yield own
    finally:
        own.remove()


@pytest.fixture
def machine(machines: Machines) -> Machine:
    return machines()


@pytest.fixture(scope="session")
def machines(server: Cluster) -> Machines:
    """Makes another machine, on a database of its own: empty, or what another machine's is at the time."""

    def another(like: Machine | None = None) -> Machine:
        name = f"faults_{uuid.uuid4().hex[:8]}"
        _create(server, name, like.database if like else MIGRATED)
        return Machine(server.url(name))

    return another


def _create(server: Cluster, name: str, template: str = "template1") -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())


def _query(server: Cluster, question: str) -> str:
    with psycopg.connect(server.url("postgres")) as database:
        (value,) = database.execute(question.encode()).fetchone() or ("",)
        return str(value)
