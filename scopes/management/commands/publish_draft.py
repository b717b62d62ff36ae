"""`publish_draft`: put a policy draft of the desk in force, however many consents have to move to it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scopes import flow
from scopes.counted import counted
from scopes.judge.content import PolicyError
from scopes.judge.difference import difference
from scopes.models import PolicyVersion
from scopes.models.trail import Act


class Command(BaseCommand):
    help = "Show what a policy draft of the desk changes. With --apply, publish it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("draft", type=int, help="its id, as the desk's address has it")
        parser.add_argument("--in-force-from", type=datetime.fromisoformat, help="when the consent screen changed, UTC")
        parser.add_argument("--as", dest="agent", default="", help="on whose behalf: a user who may publish")
        parser.add_argument("--reason", default="", help="the reason, for the activity log")
        parser.add_argument("--apply", action="store_true", help="publish it")

    def handle(self, **options: Any) -> None:
        drafts = PolicyVersion.objects.select_related("integration__policy_version")
        draft = drafts.filter(pk=options["draft"]).first()
        if draft is None:
            raise CommandError(f"There is no policy {options['draft']}.")
        now, since = timezone.now(), options["in_force_from"]
        if since is not None:
            since = since.astimezone(UTC) if since.tzinfo else since.replace(tzinfo=UTC)
            if since > now:
                raise CommandError("--in-force-from is in the future. Publish once the screen has changed.")
        before = draft.integration.policy_version
        self.stdout.write(str(draft))
        for change in difference(before.content, draft.content) if before else ():
            self.stdout.write(f"  {change}")
        if not options["apply"]:
            self.stdout.write("Nothing was published. Add --apply to publish.")
            return
        act = _act(options["agent"], options["reason"])
        try:
            moved = flow.publish(
                draft, now=now, in_force_from=since, act=act, instead_of=draft.integration.policy_version_id
            )
        except PolicyError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"  published; {counted(moved, 'connection')} assigned to the consent screen they saw")


def _act(agent: str, reason: str) -> Act:
    user = User.objects.filter(username=agent).first()
    if user is None or not user.has_perm("scopes.publish_policy"):
        raise CommandError("Name with --as a user of the desk who may publish policies.")
    if not reason.strip():
        raise CommandError("Say with --reason why it is published.")
    return Act(user, reason)
