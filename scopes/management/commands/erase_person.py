"""Erase all that is kept about one person."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from scopes.management.operator import operator_name
from scopes.models.trail import Act
from scopes.rights import erased_ids
from scopes.rights.erase import NothingStored, erase
from scopes.rights.personal_data import deliveries_naming, personal_data_of
from scopes.sync.revoking import revoke_tokens


class Command(BaseCommand):
    help = "Show what is kept under a reference id. With --apply, erase it; this cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", metavar="REFERENCE")
        parser.add_argument("--apply", action="store_true", help="Erase it.")
        parser.add_argument(
            "--reason", default="", help="The reason, for the activity log. Without the person's name or id."
        )
        parser.add_argument("--ticket", default="", help="The ticket of the request.")

    def handle(self, *_args: Any, reference: str, apply: bool, **options: Any) -> None:
        keys = erased_ids.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        data = personal_data_of(reference)
        if data.is_empty:
            if before := erased_ids.erased_on(reference, keys):
                self.stdout.write(f"Nothing is stored under this reference id. It was erased on {before:%-d %b %Y}.")
                return
            raise CommandError("Nothing is kept under this reference id, and nothing was erased under it.")
        if apply:
            for sentence in revoke_tokens(reference).sentences:
                self.stdout.write(sentence)
            act = Act(None, options["reason"], options["ticket"], by=operator_name())
            try:
                counts = erase(reference, act, keys, timezone.now())
            except NothingStored as error:
                raise CommandError(str(error)) from error
        else:
            counts = data.counts() | {"deliveries": sum(1 for _ in deliveries_naming(data.names))}
        self.stdout.write(", ".join(f"{what}: {number:,}" for what, number in counts.items()))
        self.stdout.write("Erased." if apply else "Nothing was erased. Add --apply to erase it.")
