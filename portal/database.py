"""The embedded PostgreSQL of this checkout, whatever DATABASE_URL says.

python -m portal.database start                        start it and print the address of the database for manage.py
python -m portal.database stop                         stop it
python -m portal.database url                          print what manage.py uses: DATABASE_URL, else that address
python -m portal.database run [--cluster NAME] CMD …   run CMD with a new, empty database, which goes when CMD ends
python -m portal.database remove                       stop all that is embedded and delete all that it holds
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

import psycopg
from django.utils.module_loading import import_string

from portal import disposable_database, embedded_postgres
from portal.embedded_postgres import MAIN, Cluster, ClusterError

USAGE = 2


@contextlib.contextmanager
def made(name: str = MAIN) -> Iterator[str]:
    """The address of a new, empty database on the embedded server of that name. Server and database end with the block.

    Raises ClusterError.
    """
    refuse_production()
    database = f"run_{secrets.token_hex(6)}"
    embedded = embedded_postgres.named(name)
    with embedded.held():
        with _administered(embedded) as server:
            _make(server, database, disposable_database.MARK)
        try:
            yield embedded.url(database)
        finally:
            with contextlib.suppress(psycopg.OperationalError), _administered(embedded) as server:
                server.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())


@contextlib.contextmanager
def kept(database: str, purpose: str, version: str) -> Iterator[str]:
    """The address of a database on the embedded server that is made where it is missing, and stays after the block.

    One that was made for the same purpose with another version is dropped and made anew; one of that name that was made
    for something else is refused. Raises ClusterError.
    """
    mark = f"{purpose}, version {version}"
    refuse_production()
    embedded = embedded_postgres.named(MAIN)
    with embedded.held():
        with _administered(embedded) as server:
            found = server.execute(f"{disposable_database.COMMENT} = %s".encode(), [database]).fetchone()
            if found and found != (mark,):
                # Earlier versions of the demo wrote no version.
                if found[0] != purpose and not str(found[0]).startswith(f"{purpose}, version "):
                    raise ClusterError(f"The embedded PostgreSQL has a database {database} that is for something else.")
                server.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())
                found = None
            if not found:
                _make(server, half := f"half_{secrets.token_hex(6)}", mark)
                server.execute(f'ALTER DATABASE "{half}" RENAME TO "{database}"'.encode())
        yield embedded.url(database)


def _make(server: psycopg.Connection, database: str, mark: str) -> None:
    """Make an empty database and say with it what it is for; one of that name must not be there."""
    server.execute(f'CREATE DATABASE "{database}" TEMPLATE template0'.encode())
    server.execute(disposable_database.marking(database, mark).encode())


def refuse_production() -> None:
    """Raise ClusterError if PORTAL_MODE is production."""
    if os.environ.get("PORTAL_MODE") == "production":
        raise ClusterError("PORTAL_MODE is production, where nothing is tried out. Unset it first.")


def trial(url: str) -> dict[str, str]:
    """The environment of a program that is tried out on a database: no `.env` is read, and no source's account."""
    own = import_string("scopes.sources.registry.own_variables")(os.environ)
    return {**own, "DATABASE_URL": url, "PORTAL_MODE": "test"}


def run(command: Sequence[str], name: str = MAIN) -> int:
    """Run a command that finds its database's address in DATABASE_URL; returns its exit code as a shell would."""
    with made(name) as url:
        process = subprocess.Popen(command, env=trial(url))

        def pass_on(number: int, frame: FrameType | None) -> None:
            process.send_signal(number)

        def outlive(number: int, frame: FrameType | None) -> None:
            """Ctrl-C reaches the command by itself; we stay to stop the server."""

        signal.signal(signal.SIGTERM, pass_on)
        signal.signal(signal.SIGINT, outlive)
        code = process.wait()
    return code if code >= 0 else 128 - code


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """A signal's handler: end this process, and what it began with it."""
    sys.exit(128 + number)


@contextlib.contextmanager
def _administered(embedded: Cluster) -> Iterator[psycopg.Connection]:
    with psycopg.connect(embedded.url("postgres"), autocommit=True) as server:
        yield server


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks; returns the exit code."""
    embedded = embedded_postgres.named(MAIN)
    match arguments:
        case ["start"]:
            print(embedded.keep())
        case ["stop"]:
            print("PostgreSQL was stopped." if embedded.stop() else "PostgreSQL was not running.")
        case ["url"]:
            from portal import environment  # noqa: PLC0415 - it reads `.env`, which is for nothing else here

            print(environment.database_url())
        case ["run", "--cluster", name, *command] if command:
            return run(command, name)
        case ["run", *command] if command:
            return run(command)
        case ["remove"]:
            for left in embedded_postgres.remove_all():
                print(f"{left} was not made by this checkout, and stays.")
        case _:
            print(__doc__, file=sys.stderr)
            return USAGE
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    try:
        sys.exit(main(sys.argv[1:]))
    except ClusterError as trouble:
        sys.exit(f"portal.database: {trouble}")
