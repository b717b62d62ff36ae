"""All that is kept about one person, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scopes.rights.export import export
from scopes.rights.personal_data import Ambiguous, personal_data_of, reference_of


class Command(BaseCommand):
    help = "Write everything stored about one person as one JSON document to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", metavar="REFERENCE_OR_EMAIL")

    def handle(self, *_args: Any, who: str, **_options: Any) -> None:
        try:
            data = personal_data_of(reference_of(who))
        except Ambiguous as error:
            raise CommandError(str(error)) from error
        if data.is_empty:
            raise CommandError("Nobody is known by that reference id or e-mail address.")
        self.stdout.write(json.dumps(export(data, timezone.now()), indent=2, ensure_ascii=False))
