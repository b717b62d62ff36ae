"""`check_source SOURCE`: whether a source works, a line for each thing looked at."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error
from django.utils import timezone

from scopes.management.sources import SOURCE_HELP, chosen
from scopes.sources import registry
from scopes.sources.setup import CheckResult
from scopes.sync import account

FOUND = 3


class Command(BaseCommand):
    help = "Tell whether a source works, such as its address, credentials, listing, links and webhook."
    requires_system_checks = ()  # they ask the database, which is not needed here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help=SOURCE_HELP)
        parser.add_argument("--webhook-url", default="", help="our webhook address: deliver harmless test events there")
        parser.add_argument("--json", action="store_true", help="write the findings as JSON")
        parser.add_argument("--fail-on", choices=["problem"], help="exit with 3 when something needs fixing")

    def handle(self, **options: Any) -> None:
        (source,) = chosen([options["source"]], "checks_up")
        gateway = registry.gateway(source.kind, source.name)
        findings = []
        for finding in gateway.check_up(timezone.now(), options["webhook_url"]):
            findings.append(finding)
            if not options["json"]:
                todo = f" -> {finding.do}" if finding.do else ""
                self.stdout.write(f"{'ok' if finding.ok else '!!'} {finding.check}: {finding.says}{todo}")
        self._keep(gateway.key, findings)
        if options["json"]:
            report = {"source": gateway.key, "findings": [finding.as_data() for finding in findings]}
            self.stdout.write(json.dumps(report, indent=2))
        if options["fail_on"] and not all(finding.ok for finding in findings):
            sys.exit(FOUND)

    def _keep(self, source: str, findings: Sequence[CheckResult]) -> None:
        """Keep whether the source refuses our account, for the desk. The check itself needs no database."""
        now = timezone.now()
        try:
            for finding in findings:
                if finding.error is not None:
                    account.note(source, finding.error, now)
                elif finding.proves:
                    account.works(source, links=finding.proves == "link")
        except Error as problem:
            self.stderr.write(
                f"The result was not saved for the desk: the database does not answer ({type(problem).__name__})."
            )
