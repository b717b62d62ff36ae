"""Take in everything that Terra lists, now: what the nightly job does first, without the audit."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from scopes import nightly
from scopes.counted import counted
from scopes.sources.terra.client import client_for, configured
from scopes.sources.terra.environments import EnvironmentMissing
from scopes.sources.terra.errors import TerraError
from scopes.sync import rate_limit
from scopes.sync.listing import AlreadyListing

LOCKED = 75


class Command(BaseCommand):
    help = "List every connection of Terra environments. Exit codes: 0 done, 1 not done, 75 another process is at it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("environment", nargs="*", help="Terra environments; all that are set up, if none.")
        parser.add_argument("--json", action="store_true", help="The counts as JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            clients = [
                rate_limit.with_rate_limiter(client_for(name)) for name in options["environment"] or configured()
            ]
        except EnvironmentMissing as error:
            raise CommandError(str(error)) from error
        if not clients:
            raise CommandError("No Terra environment is set up. Set TERRA_ENVIRONMENTS.")
        result: dict[str, dict[str, Any]] = {}
        failures = []
        for client in clients:
            name = client.environment.name
            try:
                with tqdm(unit=" connections", disable=None, file=sys.stderr) as bar:
                    result[name] = nightly.list_environment(client, timezone.now, bar.update).as_data()
            except AlreadyListing as error:
                raise CommandError(str(error), returncode=LOCKED) from error
            except TerraError as error:
                failures.append(f"{name} could not be listed: {error}")
        if options["json"]:
            self.stdout.write(json.dumps(result, indent=2))
        else:
            self.stdout.writelines(f"{name}: {_in_words(counts)}" for name, counts in result.items())
        if failures:
            raise CommandError("; ".join(failures))


def _in_words(counts: dict[str, Any]) -> str:
    shown = ("new", "changed", "unchanged", "unreadable", "inactive", "unconfirmed", "gone", "back", "quarantined")
    listed = f"{counted(counts['users'], 'connection')} on {counted(counts['pages'], 'page')}"
    return ", ".join([listed, *(f"{counts[key]:,} {key.replace('_', ' ')}" for key in shown if counts[key])])
