"""Write the catalogue's files into the database, and print what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scopes.catalogue import CatalogueError, load
from scopes.intake.recording import catalogue


class Command(BaseCommand):
    help = "Load the catalogue of providers and scopes. Doing it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--directory", type=Path, help="Files to load instead of those that come with the portal.")

    def handle(self, *_args: Any, directory: Path | None = None, **_options: Any) -> None:
        try:
            loaded = catalogue.load(load(directory), timezone.now())
        except CatalogueError as error:
            raise CommandError(f"The catalogue was not loaded. {error}") from error
        for line in loaded.changes:
            self.stdout.write(line)
        for version in loaded.judged_anew:
            self.stdout.write(f"re-evaluated: {version}")
        if not loaded.changes and not loaded.judged_anew:
            self.stdout.write("The catalogue is unchanged.")
