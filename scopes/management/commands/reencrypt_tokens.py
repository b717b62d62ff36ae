"""Encrypt all tokens by the first key, so that the others can be removed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scopes.counted import counted
from scopes.sources.errors import NotConfigured
from scopes.sources.oauth2 import tokens, vault

BATCH = 500


class Command(BaseCommand):
    help = "Say which keys have encrypted how many tokens. With --apply, encrypt all by the first key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Encrypt them anew.")

    def handle(self, *_args: Any, apply: bool, **_options: Any) -> None:
        try:
            first = vault.first_key()
            unreadable = self._encrypt_anew() if apply else 0
        except NotConfigured as error:
            raise CommandError(str(error)) from error
        by_key = tokens.by_key()
        for key_id, number in by_key.items():
            encrypts = ", which encrypts" if key_id == first else ""
            self.stdout.write(f"Key {key_id}{encrypts}: the tokens of {counted(number, 'connection')}.")
        if not by_key:
            self.stdout.write("There are no tokens.")
        elif set(by_key) == {first}:
            self.stdout.write(f"No other key than {first} is needed.")
        elif not apply:
            self.stdout.write("Nothing was changed. Add --apply to encrypt all by the first key.")
        if unreadable:
            raise CommandError(
                f"The tokens of {counted(unreadable, 'connection')} do not open: put their keys back into"
                f" {vault.VARIABLE}. Without them, their people have to consent again."
            )

    def _encrypt_anew(self) -> int:
        """Batch by batch, so that one that is cut off goes on; how many do not open."""
        after: int | None = 0
        unreadable = 0
        while after is not None:
            after, _, not_opened = tokens.encrypt_anew(after, BATCH)
            unreadable += not_opened
        return unreadable
