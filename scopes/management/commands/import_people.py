"""Take in the host's people: reference id, e-mail, name, locale, plan."""

from __future__ import annotations

import sys
from itertools import batched
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from scopes import flow
from scopes.counted import counted
from scopes.facts import PersonKnown
from scopes.intake.files.file_rows import RefusedRow, UnreadableFile
from scopes.intake.files.people_file import read
from scopes.intake.recording.people import RecordedPeople, TooManyPlans, plans_differing_in_case

BATCH = 1000


class Command(BaseCommand):
    help = "Import people from CSV (with a header) or JSON Lines. Doing it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        total, refused = RecordedPeople(), 0
        try:
            with tqdm(unit=" people", disable=None, file=sys.stderr) as bar:
                for batch in batched(read(file), BATCH):
                    for row in batch:
                        if isinstance(row, RefusedRow):
                            refused += 1
                            self.stderr.write(f"line {row.line}: {row.reason}")
                    taken = flow.take_in_people([row for row in batch if isinstance(row, PersonKnown)], timezone.now())
                    total.add(taken)
                    bar.update(len(batch))
        except (UnreadableFile, TooManyPlans) as error:
            raise CommandError(f"{error} Imported before: {total.new + total.changed + total.unchanged}.") from error
        self.stdout.write(
            f"{total.new:,} new, {total.changed:,} changed, {total.unchanged:,} unchanged, {refused:,} refused;"
            f" {counted(total.claimed, 'connection')} claimed, {total.replanned:,} with a new plan"
        )
        for same in plans_differing_in_case():
            self.stderr.write(f"Plans that differ in case only are different plans: {', '.join(map(repr, same))}.")
        if refused:
            raise CommandError(f"Rows refused: {refused:,}. All others were imported.")
