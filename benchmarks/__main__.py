"""Measure on a database made for it, and print the table: `make bench`, `make bench ARGS="--connections 100000"`."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable

import django

from portal import database
from portal.embedded_postgres import ClusterError

PARTS = (
    "records",
    "desk",
    "publication",
    "listings",
    "shards",
    "webhooks",
    "refreshes",
    "api",
    "api_reading",
    "events",
    "campaigns",
)
FEWER_LISTED = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--connections", type=number, default=1_000_000)
    parser.add_argument("--standings", type=number, default=5_000)
    parser.add_argument("--writers", type=number, default=8)
    parser.add_argument("--changes", type=number, default=10_000)
    parser.add_argument("--listed", type=number, default=200_000)
    parser.add_argument("--deliveries", type=number, default=10_000)
    parser.add_argument("--events", type=number, default=10_000)
    parser.add_argument("--refreshed", type=number, default=5_000)
    parser.add_argument("--held", type=number, default=200_000)
    parser.add_argument("--reported", type=number, default=40_000)
    parser.add_argument("--requests", type=number, default=200)
    parser.add_argument("--recipients", type=number, default=100_000)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, database.leave)
    try:
        with database.made("bench") as url:
            trial = database.trial(url)
            os.environ.clear()
            os.environ.update(trial)
            measure(options)
    except ClusterError as trouble:
        sys.exit(f"benchmarks: {trouble}")


def number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def measure(options: Namespace) -> None:
    """Print the table of what was asked for. The database that DATABASE_URL names is emptied before each part."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    django.setup()

    from django.core.management import call_command
    from django.db import connection

    from benchmarks import (
        api,
        api_reading,
        campaigns,
        desk,
        events,
        listings,
        publication,
        recording,
        refreshes,
        shards,
        webhooks,
    )

    def fresh() -> None:
        call_command("migrate", verbosity=0)
        call_command("flush", interactive=False, verbosity=0)

    fresh()
    with connection.cursor() as cursor:
        cursor.execute("SELECT version(), current_setting('fsync')")
        version, fsync = cursor.fetchone()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {version.split(' on ')[0]}, fsync {fsync}\n")
    parts: dict[str, Callable[[], list[tuple[str, str]]]] = {
        "records": lambda: recording.run(options.connections, options.standings, options.writers, options.changes),
        "desk": lambda: desk.run(options.connections, options.requests),
        "publication": lambda: publication.run(options.connections, options.standings),
        "listings": lambda: listings.run(options.listed, {min(FEWER_LISTED, options.connections), options.connections}),
        "shards": lambda: shards.run(options.listed),
        "webhooks": lambda: webhooks.run(options.deliveries),
        "refreshes": lambda: refreshes.run(options.refreshed, options.held),
        "api": lambda: api.run(options.reported),
        "api_reading": lambda: api_reading.run(options.connections, options.standings),
        "events": lambda: events.run(options.events),
        "campaigns": lambda: campaigns.run(options.recipients),
    }
    table = []
    for part in options.only:
        fresh()
        table += parts[part]()
    width = max(len(what) for what, _ in table)
    for what, figure in table:
        print(f"| {what:<{width}} | {figure:>20} |")


if __name__ == "__main__":
    main()
