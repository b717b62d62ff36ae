"""Draft the policies of a file, show their impact, and publish them with --apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from scopes import flow
from scopes.catalogue import default, provider_named
from scopes.counted import counted
from scopes.intake.files.upload import NoSuchSource, source_of
from scopes.judge import census, policy, policy_file
from scopes.judge.content import PolicyError
from scopes.judge.impact import impact
from scopes.management.operator import operator_name
from scopes.models import Source
from scopes.models.transactions import in_transaction
from scopes.sources.errors import NotConfigured


class Command(BaseCommand):
    help = "Show what the policies of a YAML file would change. With --apply, publish those that differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="Publish them.")

    def handle(self, *_args: Any, file: Path, apply: bool, **_options: Any) -> None:
        try:
            proposed = policy_file.read(file, default())
            sources = {wanted.source: source_of(wanted.source) for wanted in proposed}
        except (PolicyError, NotConfigured, NoSuchSource) as error:
            raise CommandError(str(error)) from error
        if apply:
            census.take_if_old(timezone.now())
            for wanted in proposed:
                self.stdout.write("\n".join(_publish(wanted, sources[wanted.source](), apply=True)[1]))
            return
        differ, lines = _try_out(proposed, sources)
        self.stdout.write("\n".join(lines))
        if differ:
            self.stdout.write("Nothing was published. Add --apply to publish.")


@in_transaction
def _try_out(
    proposed: Sequence[policy_file.Proposed], sources: Mapping[str, Callable[[], Source]]
) -> tuple[bool, list[str]]:
    """Whether any of these differs, and what publishing would change, in lines to read.

    Drafts, verdicts and the census serve to count the impact, and go again.
    """
    census.take_if_old(timezone.now())
    effect = [_publish(wanted, sources[wanted.source](), apply=False) for wanted in proposed]
    transaction.set_rollback(True)
    return any(differs for differs, _ in effect), [line for _, lines in effect for line in lines]


def _publish(wanted: policy_file.Proposed, source: Source, *, apply: bool) -> tuple[bool, list[str]]:
    now = timezone.now()
    name = f"{wanted.provider} through {wanted.source}"
    integration = policy.ensure_integration(source, provider_named(wanted.provider), now)
    if policy_file.is_in_force(wanted, integration):
        return False, [f"{name}: as in force"]
    draft = policy.draft(integration, wanted.content, author=operator_name(), note=wanted.note, now=now)
    effect = impact(draft)
    lines = [
        f"{name}, policy {draft.number}: {counted(effect.connections, 'connection')}",
        f"  change of health: {effect.changes()}; a link could fix {effect.fixable:,}",
    ]
    if apply:
        moved = flow.publish(draft, now=now, in_force_from=wanted.in_force_from)
        lines.append(f"  published; {counted(moved, 'connection')} assigned to the consent screen they saw")
    return True, lines
