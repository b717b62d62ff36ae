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
from scopes.audit import narrowed, report
from scopes.catalogue import default
from scopes.management.fail_on import check_places, condition
from scopes.management.sources import SOURCE_HELP, chosen, gateways, limit_of_calls
from scopes.models import AuditRun
from scopes.rights.erased_ids import keys_from

DONE, NOT_DONE, FOUND, LOCKED = 0, 1, 3, 75
FAIL_ON = "End with 3 when this is so: a finding, or as 'blocked>1%%' or 'new-broken@oura>=50', in quotes. Findings: "


class Command(BaseCommand):
    help = "Audit every connection. Exit codes: 0 done, 1 not done, 3 done and found what --fail-on names, 75 locked."

    def add_arguments(self, parser: CommandParser) -> None:
        many: dict[str, Any] = {"action": "append", "default": []}
        parser.add_argument("source", nargs="*", help=f"{SOURCE_HELP}, to list; all that can be, if none")
        parser.add_argument("--source", **many, dest="sources", metavar="SOURCE", help="The same, as an option.")
        provider_help = "List only sources of this provider, and report only its connections."
        slugs = sorted(default().providers)
        parser.add_argument("--provider", **many, choices=slugs, metavar="PROVIDER", help=provider_help)
        parser.add_argument("--offline", action="store_true", help="List nothing; evaluate and count what is known.")
        calls_help = "List and check with at most N calls to all sources together."
        parser.add_argument("--limit-calls", type=limit_of_calls, metavar="N", help=calls_help)
        parser.add_argument("--json", action="store_true", help="The report as JSON.")
        extend: dict[str, Any] = {"nargs": "+", "action": "extend", "default": [], "metavar": "CONDITION"}
        parser.add_argument("--fail-on", **extend, type=condition, help=FAIL_ON + ", ".join(report.CODES))

    def handle(self, *_args: Any, **options: Any) -> None:
        check_places(options["fail_on"])
        run = _run(options)
        shown = narrowed.to_providers(run, options["provider"]) if options["provider"] else run
        found = [one.written for one in options["fail_on"] if one.is_met(shown.counts, shown.changes, shown.findings)]
        run.exit_code = NOT_DONE if run.state != AuditRun.State.DONE else FOUND if found else DONE
        run.save(update_fields=["exit_code"])
        shown.exit_code = run.exit_code
        self.stdout.write(json.dumps(report.as_data(shown), indent=2) if options["json"] else report.as_text(shown))
        if run.exit_code == NOT_DONE:
            raise CommandError(run.error)
        if run.exit_code == FOUND:
            self.stderr.write(f"Found: {', '.join(sorted(set(found)))}.")
            sys.exit(FOUND)


def _run(options: dict[str, Any]) -> AuditRun:
    sources, providers = [*options["source"], *options["sources"]], map(default().provider, options["provider"])
    listed = [] if options["offline"] else gateways(sources, "lists", list(providers), options["limit_calls"])
    if not listed and not options["offline"] and not chosen([], "begins_consents"):
        raise CommandError("No source is set up that can be listed. See docs/operations.md, or say --offline.")
    try:
        with tqdm(unit=" connections", disable=None, file=sys.stderr) as bar:
            return nightly.run(
                listed,
                offline=options["offline"],
                clock=timezone.now,
                on_page=bar.update,
                alone=options["limit_calls"] is not None,
                erased_keys=keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
            )
    except nightly.AlreadyRunning as error:
        raise CommandError(str(error), returncode=LOCKED) from error
