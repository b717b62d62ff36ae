"""All of a person's connections and attempts: what is missing, why, and whether a reauth would help."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scopes.judge import tell
from scopes.judge.person import account_of, account_of_unclaimed, by_source_id, find_people, find_unclaimed


class Command(BaseCommand):
    help = "Show everything about one person, known by reference id, e-mail address or a connection's id at its source."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", metavar="REFERENCE_OR_EMAIL")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        who = options["who"]
        people = find_people(who) or [row.person for row in by_source_id(who) if row.person is not None]
        accounts = [account_of(person) for person in dict.fromkeys(people)]
        if not accounts:
            found = find_unclaimed(who)
            reference_id = next((row.reference_id for row in found if row.reference_id), who)
            unclaimed = account_of_unclaimed(found, reference_id)
            accounts = [unclaimed] if unclaimed.connections or unclaimed.attempts else []
        if not accounts:
            raise CommandError("Nobody is known by that reference id, e-mail address or id.")
        if options["json"]:
            self.stdout.write(json.dumps([tell.as_data(account) for account in accounts], indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n\n".join(tell.as_text(account) for account in accounts))
