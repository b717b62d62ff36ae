"""A file of connections: read completely before anything is recorded, then returned in batches of whole connections.

All rows about one connection come in one batch. So recording each batch and rolling it back gives the true result of
the file: no batch depends on another.
"""

from __future__ import annotations

import hashlib
import pickle
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from scopes.facts import ConnectionSeen
from scopes.intake.files import connections_file
from scopes.intake.files.disk_database import full_disk_is_unreadable, private_database
from scopes.intake.files.file_rows import RefusedRow, UnreadableFile
from scopes.intake.recording.recorded import Recorded
from scopes.models import Source
from scopes.redaction import without_addresses
from scopes.sources import registry

LONGEST_NAME = 80
BATCH = 500
AT_ONCE = 1000


NOTES = {
    "former": "Superseded by a newer id",
    "repeated": "Further rows about the same connection",
    "pulses": "Connections with newer days of data or webhooks",
    "unknown_scopes": "Scopes not in the catalogue, reported for the first time",
}


class NoSuchSource(LookupError):
    """There is no source of that key; the message says which there are."""


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source that is recorded or set up. Calling it finds or creates its record."""

    kind: str
    name: str
    production: bool

    def __call__(self) -> Source:
        defaults = {"production": self.production}
        return Source.objects.get_or_create(kind=self.kind, name=self.name, defaults=defaults)[0]


def source_of(key: str) -> NamedSource:
    """The source of that key, which is recorded or set up. Raises NoSuchSource, NotConfigured."""
    known = {source.key: NamedSource(source.kind, source.name, source.production) for source in Source.objects.all()}
    known |= {one.key: NamedSource(one.kind, one.name, one.production) for one in registry.set_up().values()}
    if key not in known:
        listed = ", ".join(sorted(known)) or "none: see docs/operations.md"
        raise NoSuchSource(f"There is no source {key!r}; there are {listed}.")
    return known[key]


class Upload:
    """A file's observations, sorted on disk by connection and time, and the result of recording them.

    They are stored in a private SQLite file, which ends with the process. The caller closes the upload.
    """

    def __init__(self) -> None:
        self.rows = self.refused = 0
        self.recorded = Recorded()
        self._disk = private_database()
        self._disk.execute("CREATE TABLE row (provider TEXT, user_id TEXT, at TEXT, line INTEGER, seen BLOB)")

    def close(self) -> None:
        self._disk.close()

    def read(self, path: Path, kind: str, as_of: datetime | None, now: datetime) -> Iterator[RefusedRow | None]:
        """Read the whole file of a source of that kind; yields the refusal of each row, or None if it is stored.

        Raises UnreadableFile.
        """
        kept: list[tuple[int, ConnectionSeen]] = []
        for row in connections_file.read(path, kind, as_of, now):
            if isinstance(row, RefusedRow):
                self.refused += 1
                yield row
                continue
            kept.append(row)
            if len(kept) == AT_ONCE:
                self._keep(kept)
                kept = []
            yield None
        self._keep(kept)

    def batches(self) -> Iterator[list[ConnectionSeen]]:
        """The observations in batches of BATCH or a few more, oldest first for each connection."""
        batch: list[ConnectionSeen] = []
        for _, observations in groupby(self._sorted(), key=lambda seen: (seen.provider, seen.user_id)):
            batch += observations
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def add(self, recorded: Recorded) -> None:
        """Add the result of a batch."""
        self.recorded.add(recorded)
        # A scope that is new in a batch that is rolled back is new in the next batch again.
        self.recorded.unknown_scopes = sorted({*self.recorded.unknown_scopes})

    def counts(self) -> dict[str, int]:
        """Rows by result; `repeated` are further rows about a connection that is counted already."""
        connections = {name: getattr(self.recorded, name) for name in ("new", "changed", "unchanged", "former")}
        return {
            "rows": self.rows + self.refused,
            **connections,
            "repeated": self.rows - sum(connections.values()),
            "refused": self.refused,
            "pulses": self.recorded.pulses,
            "unknown_scopes": len(self.recorded.unknown_scopes),
        }

    def summary(self, *, applied: bool) -> Iterator[str]:
        """The counts, a line each."""
        counts = self.counts()
        yield ", ".join(f"{counts[name]:,} {name}" for name in ("new", "changed", "unchanged", "refused"))
        yield from (f"{words}: {counts[name]:,}" for name, words in NOTES.items() if counts[name])
        if not applied:
            yield "Nothing was changed. Add --apply to import it."

    def what_remains(self, *, applied: bool) -> str:
        """What remains recorded after a stop."""
        taken = self.recorded.new + self.recorded.changed + self.recorded.unchanged
        if not applied or not taken:
            return "Nothing was changed."
        return f"Imported before: {taken:,}. The same command goes on from there."

    def stop_message(self, by: BaseException, *, applied: bool) -> str:
        """Who stopped it, and what remains recorded. Of a database error only the class: its text may quote the row."""
        who = "hand" if isinstance(by, KeyboardInterrupt) else f"the database ({type(by).__name__})"
        return f"Stopped by {who}. {self.what_remains(applied=applied)}"

    def _keep(self, rows: Iterable[tuple[int, ConnectionSeen]]) -> None:
        values = [
            (seen.provider, seen.user_id, seen.happened_at.isoformat(), line, pickle.dumps(seen)) for line, seen in rows
        ]
        with full_disk_is_unreadable():
            self._disk.execute("BEGIN")
            self._disk.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?)", values)
            self._disk.execute("COMMIT")
        self.rows += len(values)

    def _sorted(self) -> Iterator[ConnectionSeen]:
        with full_disk_is_unreadable():
            for (seen,) in self._disk.execute("SELECT seen FROM row ORDER BY provider, user_id, at, line"):
                yield pickle.loads(seen)  # noqa: S301 - our own, from a file that nobody else can open


def fingerprint_of(path: Path) -> str:
    """The file's name and the beginning of its SHA-256, by which records refer to it.

    Raises UnreadableFile.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableFile(f"{path} is no file. What comes through a pipe must be written to one first.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error
    return f"{without_addresses(path.name)[:LONGEST_NAME]} sha256:{digest[:16]}"
