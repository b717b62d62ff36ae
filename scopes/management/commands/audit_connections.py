"""The nightly job: take the listings in, judge, count, compare with the run before, report."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from scopes import nightly
from scopes.audit import report
from scopes.management.sources import SOURCE_HELP, chosen, gateways
from scopes.models import AuditRun
from scopes.rights.erased_ids import keys_from

DONE, NOT_DONE, FOUND, LOCKED = 0, 1, 3, 75


class Command(BaseCommand):
    help = "Audit every connection. Exit codes: 0 done, 1 not done, 3 done and found what --fail-on names, 75 locked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="*", help=f"{SOURCE_HELP}, to list; all that can be, if none")
        parser.add_argument("--offline", action="store_true", help="List nothing; evaluate and count what is known.")
        parser.add_argument("--json", action="store_true", help="The report as JSON.")
        parser.add_argument(
            "--fail-on",
            nargs="+",
            action="extend",
            default=[],
            choices=sorted(report.CODES),
            metavar="FINDING",
            help=f"End with 3 when one of these is found: {', '.join(report.CODES)}.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        listed = [] if options["offline"] else gateways(options["source"], "lists")
        if not listed and not options["offline"] and not chosen([], "begins_consents"):
            raise CommandError("No source is set up that can be listed. See docs/operations.md, or say --offline.")
        try:
            with tqdm(unit=" connections", disable=None, file=sys.stderr) as bar:
                run = nightly.run(
                    listed,
                    offline=options["offline"],
                    clock=timezone.now,
                    on_page=bar.update,
                    erased_keys=keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
                )
        except nightly.AlreadyRunning as error:
            raise CommandError(str(error), returncode=LOCKED) from error
        found = sorted({finding["code"] for finding in run.findings} & set(options["fail_on"]))
        run.exit_code = NOT_DONE if run.state != AuditRun.State.DONE else FOUND if found else DONE
        run.save(update_fields=["exit_code"])
        self.stdout.write(json.dumps(report.as_data(run), indent=2) if options["json"] else report.as_text(run))
        if run.exit_code == NOT_DONE:
            raise CommandError(run.error)
        if run.exit_code == FOUND:
            self.stderr.write(f"Found: {', '.join(found)}.")
            sys.exit(FOUND)
