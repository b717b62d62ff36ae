"""Runs deferred jobs until it is stopped."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from scopes import queue


class Command(BaseCommand):
    help = "Run deferred jobs until stopped (SIGTERM, Ctrl-C): those that were begun are finished first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=queue.CONCURRENCY,
            help=f"How many jobs at a time; {queue.CONCURRENCY}, by default.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        queue.work(options["concurrency"])
