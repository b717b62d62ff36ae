"""The public keys of those who sign events, as their JWKS publishes them; read anew for a key that is not known."""

from __future__ import annotations

import time
from http import HTTPStatus
from threading import Lock
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from scopes.sources.calls import Calls
from scopes.sources.errors import SourceUnavailable
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2.signals.reported import object_of

KEPT_SECONDS = 3600.0
# A key that nobody publishes must not make us ask for it with every event.
READ_ANEW_AFTER_SECONDS = 60.0

_kept: dict[str, tuple[float, KeySet]] = {}
_lock = Lock()


class Keys:
    """The keys at one address."""

    def __init__(self, name: str, address: str, calls: Calls) -> None:
        self._name, self._address, self._calls = name, address, calls

    def find(self, key_id: object) -> Any | None:
        """The key of that id; None where the issuer publishes none. Without an id, the only key.

        Raises SourceUnavailable.
        """
        for oldest in (KEPT_SECONDS, READ_ANEW_AFTER_SECONDS):
            keys = self._read(oldest).keys
            if key_id is None and len(keys) == 1:
                return keys[0]
            if found := next((key for key in keys if key_id is not None and key.kid == key_id), None):
                return found
        return None

    def _read(self, oldest: float) -> KeySet:
        """The keys, as they were read at most so many seconds ago."""
        with _lock:
            at, known = _kept.get(self._address, (0.0, None))
        if known is not None and time.monotonic() - at < oldest:
            return known
        keys = self._ask()
        with _lock:
            _kept[self._address] = time.monotonic(), keys
        return keys

    def _ask(self) -> KeySet:
        what = f"{self._name}'s keys"
        answered = authorization_server.get(self._address, what, self._calls)
        if answered.status != HTTPStatus.OK:
            raise SourceUnavailable(f"{what}: answered with {answered.status}", status=answered.status)
        try:
            return KeySet.import_key_set(object_of(answered.body))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            raise SourceUnavailable(f"{what}: they are no JWKS", status=answered.status) from None


def forget() -> None:
    """Forget all keys, so that they are read anew."""
    with _lock:
        _kept.clear()
