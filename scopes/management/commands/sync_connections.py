"""Take in everything that our sources list, now: what the nightly job does first, without the audit."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from scopes import nightly
from scopes.counted import counted
from scopes.management.sources import SOURCE_HELP, gateways
from scopes.sources.errors import SourceError
from scopes.sync.listing_lock import AlreadyListing

LOCKED = 75


class Command(BaseCommand):
    help = "List every connection of our sources. Exit codes: 0 done, 1 not done, 75 another process is running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="*", help=f"{SOURCE_HELP}; all that can be listed, if none")
        parser.add_argument("--json", action="store_true", help="The counts as JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        listed = gateways(options["source"], "lists")
        if not listed:
            raise CommandError("No source is set up that can be listed. See docs/operations.md.")
        result: dict[str, dict[str, Any]] = {}
        failures = []
        for gateway in listed:
            key = gateway.key
            try:
                with tqdm(unit=" connections", disable=None, file=sys.stderr) as bar:
                    result[key] = nightly.list_source(gateway, timezone.now, bar.update).as_data()
            except AlreadyListing as error:
                raise CommandError(str(error), returncode=LOCKED) from error
            except SourceError as error:
                failures.append(f"{key} could not be listed: {error}")
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
