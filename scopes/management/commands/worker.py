"""Runs deferred jobs until it is stopped."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from prometheus_client import start_http_server

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
        if settings.PORTAL_WORKER_METRICS:
            host, port = settings.PORTAL_WORKER_METRICS
            try:
                start_http_server(port, host)
            except OSError as problem:
                raise CommandError(f"PORTAL_WORKER_METRICS: {host}:{port} is not free ({problem.strerror}).") from None
        queue.work(options["concurrency"])
