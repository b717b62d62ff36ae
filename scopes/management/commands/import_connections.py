"""Take in connections from a file: what a source showed of them, and when."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils import timezone
from tqdm import tqdm

from scopes import flow
from scopes.facts import Origin, OriginKind
from scopes.intake.files.file_rows import UnreadableFile
from scopes.intake.files.refused_rows import RefusedRows
from scopes.intake.files.upload import NoSuchSource, Upload, fingerprint_of, source_of
from scopes.sources.errors import NotConfigured

USAGE = 2


class Command(BaseCommand):
    help = (
        "Show what a file of connections (CSV with a header, or JSON Lines) would change; with --apply, take it in."
        " Doing it again changes nothing, and old news never overwrites what is newer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", required=True, help="whose connections they are: a source, written KIND:NAME")
        parser.add_argument(
            "--as-of", type=_time, help="when the rows were true (ISO 8601, UTC), for rows without a time"
        )
        parser.add_argument("--refused", type=Path, help="where refused rows are listed; else in FILE.refused.csv")
        parser.add_argument("--apply", action="store_true", help="import it")
        parser.add_argument("--json", action="store_true", help="write one JSON object")

    def handle(self, *_args: Any, file: Path, source: str, as_of: datetime | None, apply: bool, **options: Any) -> None:
        now = timezone.now()
        if as_of is not None and as_of > now:
            raise CommandError("--as-of is in the future. Give the time at which the rows were true.", returncode=USAGE)
        try:
            find = source_of(source)
        except (NotConfigured, NoSuchSource) as error:
            code = USAGE if isinstance(error, NoSuchSource) else 1
            raise CommandError(str(error), returncode=code) from error
        with closing(Upload()) as upload:
            try:
                origin = Origin(source, OriginKind.FILE, fingerprint_of(file))
                with closing(RefusedRows(options["refused"] or Path(f"{file}.refused.csv"))) as refused:
                    for refusal in tqdm(upload.read(file, find.kind, as_of, now), unit=" rows read", disable=None):
                        if refusal is not None:
                            refused.add(refusal)
                batches = tqdm(upload.batches(), unit=" batches", disable=None)
                for recorded in flow.take_in_file(batches, find, origin, now, apply=apply):
                    upload.add(recorded)
            except UnreadableFile as error:
                raise CommandError(f"{error} {upload.what_remains(applied=apply)}") from error
            except (Error, KeyboardInterrupt) as stopped:
                raise CommandError(upload.stop_message(stopped, applied=apply)) from None
            as_json = json.dumps({**upload.counts(), "applied": apply})
            self.stdout.write(as_json if options["json"] else "\n".join(upload.summary(applied=apply)))
        if upload.refused:
            others = "All others were imported." if apply else "All others can be."
            raise CommandError(f"Rows refused: {upload.refused:,}, listed in {refused.path}. {others}")


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is not an ISO 8601 time, such as 2026-11-20T06:00") from None
