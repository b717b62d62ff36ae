"""`manage.py sandbox`: a Terra to try against, or with `--oauth` an OAuth 2.0 provider, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a number from 0")
    return int(text)


class Command(BaseCommand):
    help = (
        "Runs a Terra to try against, or an OAuth provider, for this machine only. One line of JSON says where, once it"
        " is ready."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=_count, default=8901, help="where it is taken, the next free one")
        size = parser.add_mutually_exclusive_group()
        size.add_argument("--people", type=_count, default=200)
        size.add_argument("--connections", type=_count)
        parser.add_argument("--seed", type=_count, default=1, help="another seed, other people")
        parser.add_argument("--webhook-url", default="", help="where webhooks go; without it, nowhere")
        parser.add_argument("--signing-secret", help="else from TERRA_SANDBOX_SIGNING_SECRETS, else made up")
        parser.add_argument("--store", type=Path, help="a file that keeps the changes; without it, they end with it")
        parser.add_argument("--people-file", type=Path, help="write the host's people (.csv or .jsonl), and end")
        parser.add_argument("--mails", type=Path, help="a directory of mails (EMAIL_URL=filemail:), shown at /mail/")
        parser.add_argument("--oauth", metavar="SLUG", help="be this provider of the catalogue, instead of Terra")
        parser.add_argument("--redirect-uri", action="append", default=[], help="of the OAuth client; several may be")

    def handle(self, *args: Any, **options: Any) -> None:
        if not getattr(settings, "SANDBOX_ALLOWED", False):
            raise CommandError("The sandbox does not run in production. Set PORTAL_MODE=development to try things out.")
        # Not before: what it is made of is not installed in production.
        from scopes.sandbox.population import PeopleFileError, write_people  # noqa: PLC0415
        from scopes.sandbox.start import population_of  # noqa: PLC0415

        if path := options["people_file"]:
            population = population_of(options)
            try:
                write_people(population, path)
            except (PeopleFileError, OSError) as error:
                raise CommandError(str(error), returncode=2) from None
            self.stdout.write(f"People written to {path}: {population.people}")
        else:
            self._serve(options)

    def _serve(self, options: dict[str, Any]) -> None:
        from scopes.sandbox.server import NotReady  # noqa: PLC0415
        from scopes.sandbox.start import start  # noqa: PLC0415

        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            sandbox = start(options, os.environ)
        except NotReady as error:
            raise CommandError(str(error)) from None
        with sandbox:
            self.stdout.write(json.dumps(sandbox.startup_message()))
            self.stdout.flush()
            stop.wait()
