"""Draft the policies of a file, tell their impact, and publish them when asked to."""

from __future__ import annotations

import getpass
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from scopes import flow
from scopes.catalogue import default, provider_named
from scopes.counted import counted
from scopes.intake.upload import NoSuchSource, source_of
from scopes.judge import census, policy, policy_file
from scopes.judge.content import PolicyError
from scopes.judge.impact import impact
from scopes.models import Source
from scopes.sources.terra.environments import EnvironmentMissing, environments


class Command(BaseCommand):
    help = "Show what the policies of a YAML file would change. With --apply, publish those that differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="Publish them.")

    def handle(self, *_args: Any, file: Path, apply: bool, **_options: Any) -> None:
        try:
            proposed = policy_file.read(file, default())
            production = {found.source: found.production for found in environments(os.environ).values()}
            sources = {wanted.source: source_of(wanted.source, production) for wanted in proposed}
        except (PolicyError, EnvironmentMissing, NoSuchSource) as error:
            raise CommandError(str(error)) from error
        # Without --apply everything serves to count the impact, and goes again: drafts, verdicts and the census.
        with nullcontext() if apply else transaction.atomic():
            census.take_if_old(timezone.now())
            differ = 0
            for wanted in proposed:
                differ += self._differs(wanted, sources[wanted.source](), apply=apply)
            if not apply:
                transaction.set_rollback(True)
        if differ and not apply:
            self.stdout.write("Nothing was published. Add --apply to publish.")

    def _differs(self, wanted: policy_file.Proposed, source: Source, *, apply: bool) -> bool:
        now = timezone.now()
        name = f"{wanted.provider} through {wanted.source}"
        integration = policy.ensure_integration(source, provider_named(wanted.provider), now)
        if policy_file.is_in_force(wanted, integration):
            self.stdout.write(f"{name}: as in force")
            return False
        draft = policy.draft(integration, wanted.content, author=_author(), note=wanted.note, now=now)
        told = impact(draft)
        becoming = ", ".join(f"{number:,} to {health}" for health, number in sorted(told.becoming.items()))
        self.stdout.write(f"{name}, policy {draft.number}: {counted(told.connections, 'connection')}")
        self.stdout.write(f"  change of health: {becoming or 'none'}; a link could mend {told.fixable:,}")
        if apply:
            moved = flow.publish(draft, now=now, in_force_from=wanted.in_force_from)
            self.stdout.write(f"  published; {counted(moved, 'connection')} moved to the consent screen that they saw")
        return True


def _author() -> str:
    """Who runs this; in a container the user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
