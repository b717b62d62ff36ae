"""The database of this checkout: the one that DATABASE_URL names, or the embedded PostgreSQL.

python -m portal.database start       start the embedded PostgreSQL and print its address
python -m portal.database stop        stop it
python -m portal.database url         print the address, running or not
python -m portal.database run CMD …   run CMD with DATABASE_URL set to a server that runs as long as it
python -m portal.database remove      stop it and delete all that it holds
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

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
    """Run a command that finds the server's address in DATABASE_URL; returns its exit code."""
    with held(name) as url:
        # Ctrl-C reaches the command by itself, and we must outlive it to stop the server.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        process = subprocess.Popen(  # noqa: S603 - the caller's own command
            command, env={**os.environ, "DATABASE_URL": url}, preexec_fn=_take_ctrl_c
        )

        def pass_on(number: int, frame: FrameType | None) -> None:
            process.send_signal(number)

        signal.signal(signal.SIGTERM, pass_on)
        code = process.wait()
    return code if code >= 0 else 128 - code


def _take_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
        case ["run", *command] if command:
            return run(command)
        case ["remove"]:
            embedded.remove()
        case _:
            print(__doc__, file=sys.stderr)
            return USAGE
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except cluster.ClusterError as trouble:
        sys.exit(f"portal.database: {trouble}")
