"""`check_terra ENVIRONMENT`: whether a Terra environment works, a line for each thing looked at."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils import timezone

from scopes.sources.terra.checkup import ACCEPTED, LINK, Finding, check
from scopes.sources.terra.client import client_for
from scopes.sources.terra.environments import EnvironmentMissing
from scopes.sync import account

FOUND = 3


class Command(BaseCommand):
    help = "Tell whether a Terra environment works: address, clock, credentials, listing, links, webhook."
    requires_system_checks = ()  # they ask the database, which is not needed here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("environment", help="a name in TERRA_ENVIRONMENTS")
        parser.add_argument("--webhook-url", default="", help="our webhook address: deliver harmless test events there")
        parser.add_argument("--json", action="store_true", help="write the findings as JSON")
        parser.add_argument("--fail-on", choices=["problem"], help="exit with 3 when something needs mending")

    def handle(self, **options: Any) -> None:
        try:
            terra = client_for(options["environment"])
        except EnvironmentMissing as problem:
            raise CommandError(str(problem)) from None
        findings = []
        for finding in check(terra, now=timezone.now(), webhook_url=options["webhook_url"]):
            findings.append(finding)
            if not options["json"]:
                todo = f" -> {finding.do}" if finding.do else ""
                self.stdout.write(f"{'ok' if finding.ok else '!!'} {finding.check}: {finding.says}{todo}")
        self._keep(terra.environment.source, findings)
        if options["json"]:
            told = {"environment": options["environment"], "findings": [finding.as_data() for finding in findings]}
            self.stdout.write(json.dumps(told, indent=2))
        if options["fail_on"] and not all(finding.ok for finding in findings):
            sys.exit(FOUND)

    def _keep(self, source: str, findings: Sequence[Finding]) -> None:
        """Keep whether Terra refuses this environment, for the desk. The check itself needs no database."""
        now = timezone.now()
        try:
            for finding in findings:
                if finding.error is not None:
                    account.note(source, finding.error, now, links=finding.check == LINK)
                elif finding.ok and finding.check in (ACCEPTED, LINK):
                    account.works(source, links=finding.check == LINK)
        except Error as problem:
            self.stderr.write(f"The desk could not be told: the database does not answer ({type(problem).__name__}).")
