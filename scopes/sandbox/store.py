"""What differs from the generated population, in one SQLite file: nothing else is stored."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from scopes.sandbox.people import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS origin (seed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE,
    number INTEGER UNIQUE,
    removed INTEGER NOT NULL DEFAULT 0,
    provider TEXT NOT NULL,
    reference_id TEXT,
    scopes TEXT,
    active INTEGER NOT NULL,
    access INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    last_webhook_update TEXT
);
CREATE INDEX IF NOT EXISTS users_reference_id ON users (reference_id);
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY,
    widget INTEGER NOT NULL,
    providers TEXT NOT NULL,
    provider TEXT,
    user_id TEXT UNIQUE,
    reference_id TEXT,
    success_url TEXT NOT NULL,
    failure_url TEXT NOT NULL,
    started_at REAL NOT NULL,
    outcome TEXT
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY,
    trace_id TEXT NOT NULL,
    type TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at TEXT NOT NULL,
    status INTEGER,
    error TEXT NOT NULL,
    body TEXT NOT NULL
);
"""


class StoreError(Exception):
    """The store cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Session:
    """One consent session. `provider` and `user_id` are None until one is chosen, `outcome` until it ends."""

    session_id: str
    widget: bool
    providers: tuple[str, ...]
    provider: str | None
    user_id: str | None
    reference_id: str | None
    success_url: str
    failure_url: str
    started_at: float
    outcome: str | None = None


class Store:
    """The changes. One connection behind one lock: safe from every thread."""

    def __init__(self, path: Path | str, seed: int) -> None:
        self._lock = RLock()
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be opened: {error}. Name another --store.") from error
        try:
            self._database.row_factory = sqlite3.Row
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(TABLES)
            self._database.execute("INSERT INTO origin SELECT ? WHERE NOT EXISTS (SELECT 1 FROM origin)", (seed,))
            made_with = self._database.execute("SELECT seed FROM origin").fetchone()["seed"]
        except sqlite3.Error as error:
            self._database.close()
            raise StoreError(f"{path} is not a store of the sandbox: {error}. Name another --store.") from error
        if made_with != seed:
            self._database.close()
            raise StoreError(
                f"{path} was made with --seed {made_with}, not {seed}: its changes are about other people. "
                "Give that seed, or name another --store."
            )

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that no other thread interrupts."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    # Users

    def changed(self, numbers: list[int]) -> dict[int, Connection]:
        """The changed ones among the connections with these (ascending) numbers."""
        if not numbers:
            return {}
        rows = self._rows("SELECT * FROM users WHERE NOT removed AND number BETWEEN ? AND ?", numbers[0], numbers[-1])
        return {row["number"]: _connection(row) for row in rows}

    def removed_numbers(self) -> list[int]:
        """The numbers of the removed connections, ascending."""
        rows = self._rows("SELECT number FROM users WHERE removed AND number IS NOT NULL ORDER BY number")
        return [row["number"] for row in rows]

    def made_count(self) -> int:
        """How many new connections exist."""
        return int(self._rows("SELECT count(*) FROM users WHERE number IS NULL AND NOT removed")[0][0])

    def made(self, start: int, count: int) -> list[Connection]:
        """Connections made here, oldest first."""
        return [
            _connection(row)
            for row in self._rows(
                "SELECT * FROM users WHERE number IS NULL AND NOT removed ORDER BY id LIMIT ? OFFSET ?", count, start
            )
        ]

    def user(self, user_id: str) -> tuple[Connection, bool] | None:
        """The changed connection with this id, and whether it was removed; None where nothing changed."""
        rows = self._rows("SELECT * FROM users WHERE user_id = ?", user_id)
        return (_connection(rows[0]), bool(rows[0]["removed"])) if rows else None

    def made_for(self, reference_id: str) -> list[Connection]:
        """Connections made here that carry this reference id, oldest first."""
        rows = self._rows(
            "SELECT * FROM users WHERE reference_id = ? AND number IS NULL AND NOT removed ORDER BY id", reference_id
        )
        return [_connection(row) for row in rows]

    def save(self, user: Connection, removed: bool = False) -> None:
        """Store the connection's state, or that it was removed."""
        with self._lock:
            self._database.execute(
                "INSERT INTO users (user_id, number, removed, provider, reference_id, scopes, active, access, "
                "created_at, last_webhook_update) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (user_id) DO UPDATE SET removed = excluded.removed, scopes = excluded.scopes, "
                "active = excluded.active, access = excluded.access",
                (
                    user.user_id,
                    user.number,
                    removed,
                    user.provider,
                    user.reference_id,
                    user.scopes,
                    user.active,
                    user.access,
                    user.created_at,
                    user.last_webhook_update,
                ),
            )

    # Sessions

    def start(self, session: Session) -> None:
        with self._lock:
            self._database.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session.session_id,
                    session.widget,
                    ",".join(session.providers),
                    session.provider,
                    session.user_id,
                    session.reference_id,
                    session.success_url,
                    session.failure_url,
                    session.started_at,
                    session.outcome,
                ),
            )

    def session(self, session_id: str) -> Session | None:
        rows = self._rows("SELECT * FROM sessions WHERE session_id = ?", session_id)
        return _session(rows[0]) if rows else None

    def session_of(self, user_id: str) -> Session | None:
        """The session that this user id was minted for."""
        rows = self._rows("SELECT * FROM sessions WHERE user_id = ?", user_id)
        return _session(rows[0]) if rows else None

    def choose(self, session_id: str, provider: str, user_id: str) -> None:
        self._rows("UPDATE sessions SET provider = ?, user_id = ? WHERE session_id = ?", provider, user_id, session_id)

    def end(self, session_id: str, outcome: str) -> bool:
        """True where this call ended it, False where it had ended before."""
        with self._lock:
            done = self._database.execute(
                "UPDATE sessions SET outcome = ? WHERE session_id = ? AND outcome IS NULL", (outcome, session_id)
            )
            return done.rowcount == 1

    # Settings, deliveries

    def settings(self) -> dict[str, Any]:
        return {row["name"]: json.loads(row["value"]) for row in self._rows("SELECT * FROM settings")}

    def change_settings(self, changes: dict[str, Any]) -> None:
        with self.transaction():
            for name, value in changes.items():
                self._rows("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    def log_delivery(
        self, trace_id: str, kind: str, attempt: int, at: str, status: int | None, error: str, body: str
    ) -> None:
        self._rows(
            "INSERT INTO deliveries (trace_id, type, attempt, at, status, error, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            trace_id,
            kind,
            attempt,
            at,
            status,
            error,
            body,
        )

    def deliveries(self, last: int) -> list[dict[str, Any]]:
        """The last attempts at delivering a webhook, oldest first."""
        rows = self._rows("SELECT * FROM deliveries ORDER BY id DESC LIMIT ?", last)
        return [dict(row) for row in reversed(rows)]

    def forget(self) -> None:
        """Delete all changes."""
        with self.transaction():
            for table in ("users", "sessions", "settings", "deliveries"):
                self._database.execute(f"DELETE FROM {table}")


def _connection(row: sqlite3.Row) -> Connection:
    return Connection(
        user_id=row["user_id"],
        provider=row["provider"],
        reference_id=row["reference_id"],
        scopes=row["scopes"],
        active=bool(row["active"]),
        created_at=row["created_at"],
        last_webhook_update=row["last_webhook_update"],
        access=bool(row["access"]),
        number=row["number"],
    )


def _session(row: sqlite3.Row) -> Session:
    return Session(
        session_id=row["session_id"],
        widget=bool(row["widget"]),
        providers=tuple(filter(None, row["providers"].split(","))),
        provider=row["provider"],
        user_id=row["user_id"],
        reference_id=row["reference_id"],
        success_url=row["success_url"],
        failure_url=row["failure_url"],
        started_at=row["started_at"],
        outcome=row["outcome"],
    )
