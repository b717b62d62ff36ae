"""The database of this checkout: the one that DATABASE_URL names, or the embedded PostgreSQL.

python -m portal.database start                        start the embedded PostgreSQL and print its address
python -m portal.database stop                         stop it
python -m portal.database url                          print the address, running or not
python -m portal.database run [--cluster NAME] CMD …   run CMD with DATABASE_URL set; the server runs as long as CMD
python -m portal.database remove                       stop all that is embedded and delete all that it holds
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

from portal import cluster, environment

USAGE = 2


@contextlib.contextmanager
def held(name: str = environment.CLUSTER) -> Iterator[str]:
    """The address of a server that runs as long as the block: DATABASE_URL's, else the embedded one of that name."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with cluster.named(name).held() as url:
        yield url


def run(command: Sequence[str], name: str = environment.CLUSTER) -> int:
    """Run a command that finds the server's address in DATABASE_URL; returns its exit code as a shell would."""
    with held(name) as url:
        process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})

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


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks; returns the exit code."""
    embedded = cluster.named(environment.CLUSTER)
    match arguments:
        case ["start"]:
            print(embedded.keep())
        case ["stop"]:
            print("PostgreSQL was stopped." if embedded.stop() else "PostgreSQL was not running.")
        case ["url"]:
            print(environment.database_url())
        case ["run", "--cluster", name, *command] if command:
            return run(command, name)
        case ["run", *command] if command:
            return run(command)
        case ["remove"]:
            cluster.remove_all()
        case _:
            print(__doc__, file=sys.stderr)
            return USAGE
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    try:
        sys.exit(main(sys.argv[1:]))
    except cluster.ClusterError as trouble:
        sys.exit(f"portal.database: {trouble}")
