"""Whether the nightly audit is done in time, for a monitor that runs commands."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scopes.audit.last import last_audit


class Command(BaseCommand):
    help = "Say when the last audit finished. Exit codes: 0 it was in time and did not fail, 1 it is late, or failed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        last = last_audit(timezone.now())
        if last.trouble:
            raise CommandError(last.trouble)
        finished_at = last.finished.finished_at if last.finished else None
        self.stdout.write(f"The last audit finished at {finished_at:%Y-%m-%d %H:%M} UTC.")
