"""`replay_deliveries`: the deliveries that were stored and not processed; with --apply, they are."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from scopes.models import Delivery
from scopes.sync import deliveries

FOUND = 3
LINE = "{id}  {source}  {kind}  received {received}  attempts {attempts}  {result}  {error}"


class Command(BaseCommand):
    help = "List the deliveries that were stored and not processed. With --apply, process them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--id", type=int, nargs="+", help="these deliveries, though they may be processed already")
        which.add_argument("--failed", action="store_true", help="only those that failed before")
        parser.add_argument("--apply", action="store_true", help="process them now, however often that failed before")
        parser.add_argument("--json", action="store_true", help="write one JSON object a line")
        parser.add_argument("--fail-on", choices=["failed"], help="exit with 3 when one could not be processed")

    def handle(self, **options: Any) -> None:
        rows = deliveries.unprocessed(failed=options["failed"])
        if wanted := options["id"]:
            rows = Delivery.objects.filter(pk__in=wanted).select_related("source").order_by("pk")
            if missing := sorted(set(wanted) - set(rows.values_list("pk", flat=True))):
                raise CommandError(f"There is no delivery {', '.join(map(str, missing))}. Nothing was done.")
        results: Counter[str] = Counter()
        for delivery in rows.iterator():
            result = "failed" if delivery.error else "waiting"
            if options["apply"]:
                result = deliveries.process(delivery.pk, timezone.now(), again=bool(wanted)).value
                delivery.refresh_from_db(fields=["attempts", "error"])
            elif delivery.processed_at:
                result = "processed"
            results[result] += 1
            row = _row(delivery, result)
            self.stdout.write(json.dumps(row) if options["json"] else LINE.format(**row).rstrip())
        if not options["json"]:
            counts = ", ".join(f"{count} {result}" for result, count in sorted(results.items())) or "none"
            self.stdout.write(f"Deliveries: {counts}.")
            if results and not options["apply"]:
                self.stdout.write("Nothing was changed. Add --apply to process them.")
        if options["fail_on"] and results["failed"]:
            sys.exit(FOUND)


def _row(delivery: Delivery, result: str) -> dict[str, object]:
    return {
        "id": delivery.pk,
        "source": delivery.source.key,
        "kind": delivery.kind,
        "received": delivery.received_at.isoformat(timespec="seconds"),
        "attempts": delivery.attempts,
        "result": result,
        "error": delivery.error,
    }
