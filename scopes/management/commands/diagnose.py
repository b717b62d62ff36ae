"""From an error text on standard input to what it proves."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scopes.catalogue import default
from scopes.diagnose import (
    Diagnosis,
    ErrorReport,
    diagnose,
    diagnose_connection,
    read_json_report,
    read_report,
    render_text,
)
from scopes.judge.mentioned import known_as
from scopes.judge.missing import judgement_with
from scopes.models import Connection


class Command(BaseCommand):
    help = (
        "Diagnose errors from standard input: what each proves, and which scopes it names. Paste any text; or give one "
        'JSON object a line with "body", and any of "status", "headers" and "provider".'
    )
    requires_system_checks = ()  # they ask the database, which is needed for --connection only
    connection: Connection | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer each line, in order, with one JSON object")
        parser.add_argument(
            "--connection",
            metavar="ID",
            help="let the facts of this connection decide why a scope is missing; its id here, or one at its source",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["connection"] is not None:
            self.connection = the_connection(options["connection"])
        if sys.stdin.isatty():
            self.stderr.write("Paste the error, then end with Ctrl-D.")
        if options["json"]:
            # A line that is no JSON object of ours is itself the error.
            for line in filter(bytes.strip, sys.stdin.buffer):
                self.stdout.write(json.dumps(self.diagnosis(read_report(line)).as_data()))
        else:
            answers = [render_text(self.diagnosis(report), default()) for report in reports()]
            self.stdout.write("\n\n".join(answers))

    def diagnosis(self, report: ErrorReport) -> Diagnosis:
        if (row := self.connection) is None:
            return diagnose(report, default())
        return diagnose_connection(report, default(), row.integration.provider.slug, partial(judgement_with, row))


def the_connection(word: str) -> Connection:
    """The one connection that has this id."""
    if not (found := known_as(word)):
        raise CommandError("No connection has that id, here or at its source.", returncode=2)
    if len(found) > 1:
        choices = ", ".join(f"{row.pk} ({row.integration})" for row in found[:10])
        raise CommandError(f"More than one connection has that id. Give our own id of one: {choices}.", returncode=2)
    return found[0]


def reports() -> list[ErrorReport]:
    """A report a line, where every line is a JSON object of ours; else one, of the whole text."""
    text = sys.stdin.buffer.read()
    lines = [line for line in text.split(b"\n") if line.strip()]
    if not lines:
        raise CommandError("Nothing came in: paste or pipe an error text.", returncode=2)
    found = [report for line in lines if (report := read_json_report(line))]
    return found if len(found) == len(lines) else [read_report(text)]
