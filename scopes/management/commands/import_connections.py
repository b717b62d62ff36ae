"""Take in connections from a file: what a source showed of them, and when."""

from __future__ import annotations

import json
import os
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils import timezone
from tqdm import tqdm

from scopes import flow
from scopes.catalogue import entry_of
from scopes.facts import ConnectionSeen, Origin, OriginKind
from scopes.intake.file_rows import UnreadableFile
from scopes.intake.refused_rows import RefusedRows
from scopes.intake.upload import Upload, mark_of
from scopes.models import Source
from scopes.terra.environments import EnvironmentMissing, environments

USAGE = 2


class Command(BaseCommand):
    help = (
        "Tell what a file of connections (CSV with a header, or JSON Lines) would change; with --apply, take it in."
        " Doing it again changes nothing, and old news never overwrites what is newer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", required=True, help="whose connections they are, such as terra:production")
        parser.add_argument("--as-of", type=_time, help="when this was so (ISO 8601, UTC), where a row does not say it")
        parser.add_argument("--refused", type=Path, help="where refused rows are listed; else in FILE.refused.csv")
        parser.add_argument("--apply", action="store_true", help="take it in")
        parser.add_argument("--json", action="store_true", help="write one JSON object")

    def handle(self, *_args: Any, file: Path, **options: Any) -> None:
        now, as_of = timezone.now(), options["as_of"]
        if as_of is not None and as_of > now:
            raise CommandError("--as-of lies in the future: say when the rows of the file were so.", returncode=USAGE)
        source_of = _source(options["source"])
        with closing(Upload()) as upload:
            try:
                origin = Origin(options["source"], OriginKind.FILE, mark_of(file))
                with closing(RefusedRows(options["refused"] or Path(f"{file}.refused.csv"))) as refused:
                    for refusal in tqdm(upload.read(file, as_of, now), unit=" rows read", disable=None):
                        if refusal is not None:
                            refused.add(refusal)
                with tqdm(total=upload.rows, unit=" rows", disable=None) as bar:
                    batches = _passing(upload.batches(), bar)
                    for recorded in flow.take_in_file(
                        batches, source_of, origin, entry_of, now, apply=options["apply"]
                    ):
                        upload.add(recorded)
            except UnreadableFile as error:
                raise CommandError(f"{error} {_left(upload, options['apply'])}") from error
            except (Error, KeyboardInterrupt) as stopped:
                # A database error may repeat the row: its name must do.
                raise CommandError(f"Stopped by {_name(stopped)}. {_left(upload, options['apply'])}") from None
            self._tell(upload.counts(), applied=options["apply"], as_json=options["json"])
        if upload.refused:
            others = "All others were taken in." if options["apply"] else "All others can be."
            raise CommandError(f"Rows refused: {upload.refused:,}, listed in {refused.path}. {others}")

    def _tell(self, counts: dict[str, int], *, applied: bool, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**counts, "applied": applied}))
            return
        self.stdout.write(", ".join(f"{counts[name]:,} {name}" for name in ("new", "changed", "unchanged", "refused")))
        for name, words in NOTES.items():
            if counts[name]:
                self.stdout.write(f"{words}: {counts[name]:,}")
        if not applied:
            self.stdout.write("Nothing was changed. Add --apply to take it in.")


NOTES = {
    "former": "Known by a newer id, so these are of the past",
    "repeated": "More rows about a connection that is counted already",
    "pulses": "Connections with newer days of data or webhooks",
    "unknown_scopes": "Scope strings in no catalogue entry, met for the first time",
}


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is not an ISO 8601 time, such as 2026-11-20T06:00") from None


def _source(key: str) -> Callable[[], Source]:
    """What finds the source of that key, or makes it where its environment is set up."""
    try:
        production = {found.source: found.production for found in environments(os.environ).values()}
    except EnvironmentMissing as error:
        raise CommandError(str(error)) from error
    known = {*production, *Source.objects.values_list("key", flat=True)}
    if key not in known:
        listed = ", ".join(sorted(known)) or "none: set TERRA_ENVIRONMENTS"
        raise CommandError(f"There is no source {key!r}; there are {listed}.", returncode=USAGE)
    return lambda: Source.objects.get_or_create(key=key, defaults={"production": production.get(key, False)})[0]


def _passing(batches: Iterator[list[ConnectionSeen]], bar: tqdm[Any]) -> Iterator[list[ConnectionSeen]]:
    for batch in batches:
        yield batch
        bar.update(len(batch))


def _name(stopped: BaseException) -> str:
    return "hand" if isinstance(stopped, KeyboardInterrupt) else f"the database ({type(stopped).__name__})"


def _left(upload: Upload, applied: bool) -> str:
    taken = upload.recorded.new + upload.recorded.changed + upload.recorded.unchanged
    if not applied or not taken:
        return "Nothing was changed."
    return f"Taken in before: {taken:,}. The same command goes on from there."
