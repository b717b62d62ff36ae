"""Draft the policies of a file, tell their impact, and publish them when asked to."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from scopes import flow
from scopes.catalogue import default, entry_of
from scopes.judge import census, policy, policy_file
from scopes.judge.content import PolicyError, check
from scopes.models import Source


class Command(BaseCommand):
    help = "Show what the policies of a YAML file would change; with --apply, publish those that differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="Publish them.")

    def handle(self, *_args: Any, file: Path, apply: bool, **_options: Any) -> None:
        now = timezone.now()
        try:
            proposed = policy_file.read(file, default())
        except PolicyError as error:
            raise CommandError(str(error)) from error
        census.take_if_old(now)
        for wanted in proposed:
            with transaction.atomic():
                self._one(wanted, apply=apply)
                # Without --apply the draft served to count its impact, and goes again.
                transaction.set_rollback(not apply)

    def _one(self, wanted: policy_file.Proposed, *, apply: bool) -> None:
        now = timezone.now()
        name = f"{wanted.provider} through {wanted.source}"
        source, _ = Source.objects.get_or_create(key=wanted.source)
        integration = policy.ensure_integration(source, entry_of(wanted.provider), now)
        current = integration.policy_version
        if current is not None and check(current.content) == wanted.content:
            self.stdout.write(f"{name}: as in force (policy {current.number})")
            return
        draft = policy.draft(integration, wanted.content, author=getpass.getuser(), note=wanted.note, now=now)
        told = policy.impact(draft)
        becoming = (
            ", ".join(f"{number:,} {health}" for health, number in sorted(told.becoming.items())) or "nothing changes"
        )
        self.stdout.write(f"{name}, policy {draft.number}: of {told.connections:,} connections become {becoming};")
        self.stdout.write(f"  a link could mend {told.mendable:,} of them")
        if apply:
            moved = flow.publish(draft, now=now, in_force_from=wanted.in_force_from)
            self.stdout.write(f"  published; {moved:,} consents moved to their true version")
