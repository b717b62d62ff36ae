"""All of a person's connections and attempts: what is missing, why, and whether a reauth would help."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scopes.judge import overview_text
from scopes.judge.as_of import NoMoment, read_moment
from scopes.judge.person import overview_of, overview_of_unclaimed
from scopes.judge.search import by_source_id, find_people, find_unclaimed


class Command(BaseCommand):
    help = "Show everything about one person, known by reference id, e-mail address or a connection's id at its source."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", metavar="REFERENCE_OR_EMAIL")
        parser.add_argument(
            "--as-of",
            metavar="WHEN",
            help="what was granted, required and concluded then: 2026-11-03 (its end) or 2026-11-03T12:00, in UTC",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        who = options["who"]
        try:
            at = read_moment(options["as_of"], timezone.now()) if options["as_of"] else None
        except NoMoment as error:
            raise CommandError(str(error), returncode=2) from error
        people = find_people(who) or [row.person for row in by_source_id(who) if row.person is not None]
        accounts = [overview_of(person, at) for person in dict.fromkeys(people)]
        if not accounts:
            found = find_unclaimed(who)
            reference_id = next((row.reference_id for row in found if row.reference_id), who)
            unclaimed = overview_of_unclaimed(found, reference_id, at)
            accounts = [unclaimed] if found or unclaimed.attempts or unclaimed.named_for else []
        if not accounts:
            raise CommandError("Nobody is known by that reference id, e-mail address or id.")
        if options["json"]:
            self.stdout.write(
                json.dumps([overview_text.as_data(account) for account in accounts], indent=2, ensure_ascii=False)
            )
        else:
            self.stdout.write("\n\n".join(overview_text.as_text(account) for account in accounts))
