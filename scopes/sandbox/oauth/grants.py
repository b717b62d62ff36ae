"""What accounts granted to the client, and the codes and tokens that came of it, in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import RLock
from typing import Any

CODE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account decided about the client's requests: each scope that was asked for is in one of the two."""

    granted: frozenset[str]
    declined: frozenset[str]


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for. `family` are the tokens that came of it: a second use ends them."""

    account: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    nonce: str
    ends_at: float
    family: str
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """An access or refresh token. One that was `replaced` by a refresh is kept, so that its second use is noticed."""

    kind: str
    account: str
    scopes: tuple[str, ...]
    family: str
    ends_at: float | None = None
    replaced: bool = False


class Grants:
    """Everything that was granted, until it is revoked. Of codes and tokens only hashes are kept."""

    def __init__(self, path: Path | str) -> None:
        self.lock = RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS kept (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))")

    def close(self) -> None:
        with self.lock:
            self._db.close()

    def grant(self, account: str) -> Grant | None:
        """What the account has decided; None where it never did, or ended it."""
        found = self._get("grant", account)
        return None if found is None else Grant(frozenset(found["granted"]), frozenset(found["declined"]))

    def decide(self, account: str, granted: Iterable[str], declined: Iterable[str]) -> None:
        self._put("grant", account, {"granted": sorted(granted), "declined": sorted(declined)})

    def earlier(self, account: str) -> dict[str, str]:
        """The ids that were set for the account at earlier providers, by their slugs; an empty one is none."""
        return self._get("earlier", account) or {}

    def set_earlier(self, account: str, ids: dict[str, str]) -> None:
        self._put("earlier", account, ids)

    def new_code(
        self, account: str, scopes: tuple[str, ...], redirect_uri: str, challenge: str = "", nonce: str = ""
    ) -> str:
        code, ends_at = secrets.token_urlsafe(32), time.time() + CODE_SECONDS
        made = Code(account, scopes, redirect_uri, challenge, nonce, ends_at, secrets.token_hex(8))
        self._put("code", _hash(code), asdict(made))
        return code

    def spend(self, code: str) -> Code | None:
        """What the code stood for, once. A second use ends what came of the first; None then, and for a late one."""
        with self.lock:
            found = self._get("code", _hash(code))
            if found is None:
                return None
            known = Code(**{**found, "scopes": tuple(found["scopes"])})
            if known.spent:
                self.end_family(known.family)
                return None
            self._put("code", _hash(code), asdict(replace(known, spent=True)))
            return known if known.ends_at > time.time() else None

    def new_token(
        self, kind: str, account: str, scopes: tuple[str, ...], family: str, seconds: int | None = None
    ) -> str:
        token = secrets.token_urlsafe(32)
        ends_at = None if seconds is None else time.time() + seconds
        self._put("token", _hash(token), asdict(Token(kind, account, scopes, family, ends_at)))
        return token

    def token(self, token: str) -> Token | None:
        """The token, unless it has ended; one that was replaced is still found."""
        found = self._get("token", _hash(token))
        if found is None:
            return None
        known = Token(**{**found, "scopes": tuple(found["scopes"])})
        return None if known.ends_at is not None and known.ends_at <= time.time() else known

    def mark_replaced(self, token: str) -> None:
        known = self.token(token)
        if known:
            self._put("token", _hash(token), asdict(replace(known, replaced=True)))

    def end_family(self, family: str) -> None:
        """End all tokens that came of one code."""
        self._delete_tokens("family", family)

    def end_grant(self, account: str) -> bool:
        """End what the account granted, with all tokens; False where there was nothing."""
        with self.lock:
            had = self.grant(account) is not None
            self._db.execute("DELETE FROM kept WHERE kind = 'grant' AND key = ?", (account,))
            self._delete_tokens("account", account)
            return had

    def _delete_tokens(self, field: str, value: str) -> None:
        with self.lock:
            self._db.execute(
                "DELETE FROM kept WHERE kind = 'token' AND json_extract(value, '$.' || ?) = ?", (field, value)
            )

    def _get(self, kind: str, key: str) -> dict[str, Any] | None:
        with self.lock:
            row = self._db.execute("SELECT value FROM kept WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def _put(self, kind: str, key: str, value: object) -> None:
        with self.lock:
            self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, key, json.dumps(value)))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
