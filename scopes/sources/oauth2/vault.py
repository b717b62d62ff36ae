"""Encrypt and decrypt tokens; the only module that does.

AES-256-GCM with a random nonce. The identity of the row and the field are associated data, so a text that was moved
to another row or field does not open. A sealed text is `key id`, `:`, nonce, ciphertext. Keys come from the variable
SCOPES_TOKEN_KEYS, written `id:base64,id:base64`: the first encrypts, all decrypt.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from scopes.sources.errors import NotConfigured

VARIABLE = "SCOPES_TOKEN_KEYS"
SIMILAR = ("SCOPES_TOKEN", "SCOPES_KEY")
KEY_BYTES = 32
NONCE_BYTES = 12
MAKE_ONE = "openssl rand -base64 32"

type Field = Literal["access", "refresh"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class NotOpened(Exception):
    """A sealed text does not open: another row's, changed, or its key is not among the keys. It shows nothing of it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys by their ids; `first` is the id of the one that encrypts."""

    first: str
    by_id: Mapping[str, AESGCM] = field(repr=False)


def seal(connection_pk: int, field: Field, token: str) -> bytes:
    """The token, encrypted for this field of this connection by the first key. Raises NotConfigured."""
    keys = _keys_of_process()
    nonce = os.urandom(NONCE_BYTES)
    cipher = keys.by_id[keys.first]
    sealed = cipher.encrypt(nonce, token.encode(), _identity(connection_pk, field))
    return keys.first.encode() + b":" + nonce + sealed


def open_(connection_pk: int, field: Field, sealed: bytes | memoryview) -> str:
    """The token in a sealed text of this field of this connection. Raises NotOpened, NotConfigured."""
    head, _, rest = bytes(sealed).partition(b":")
    key_id = head.decode("ascii", "replace")
    cipher = _keys_of_process().by_id.get(key_id)
    if cipher is None:
        named = f"{VARIABLE} has no key {key_id!r}" if _ID.fullmatch(key_id) else "it names no key"
        raise NotOpened(f"The {field} token of connection {connection_pk} does not open: {named}.")
    try:
        return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], _identity(connection_pk, field)).decode()
    except (InvalidTag, ValueError):
        raise NotOpened(
            f"The {field} token of connection {connection_pk} does not open: it was changed, belongs to another row, "
            f"or another key has the id {key_id!r}."
        ) from None


def first_key() -> str:
    """The id of the key that encrypts. Raises NotConfigured."""
    return _keys_of_process().first


def troubles(variables: Mapping[str, str], *, needed: bool) -> Iterator[str]:
    """Everything that is wrong with the keys, a line each; none shows a key. `needed`: there must be one."""
    for name in sorted(variables):
        if name.startswith(SIMILAR) and name != VARIABLE:
            yield f"{name} is read by nothing: is {VARIABLE} meant?"
    value = variables.get(VARIABLE, "").strip()
    if not value:
        if needed:
            yield f"{VARIABLE} is missing: no token is stored without. Set it to 1: and what {MAKE_ONE} prints"
        return
    seen: set[str] = set()
    for place, part in enumerate(value.split(","), start=1):
        key_id, colon, text = part.strip().partition(":")
        if not colon or not _ID.fullmatch(key_id):
            yield f"{VARIABLE}: key {place} has no id of letters and digits; write id:base64, as made by {MAKE_ONE}"
        elif key_id in seen:
            yield f"{VARIABLE} has the id {key_id!r} twice"
        elif (key := _decoded(text)) is None:
            yield f"{VARIABLE}: key {key_id!r} is not base64; make one by {MAKE_ONE}"
        elif len(key) != KEY_BYTES:
            yield f"{VARIABLE}: key {key_id!r} has {len(key)} bytes, not {KEY_BYTES}; make one by {MAKE_ONE}"
        seen.add(key_id)


def _identity(connection_pk: int, field: Field) -> bytes:
    return f"scopes.token:{connection_pk}:{field}".encode()


def _keys_of_process() -> Keys:
    return _keys(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=1)
def _keys(value: str) -> Keys:
    for trouble in troubles({VARIABLE: value}, needed=True):
        raise NotConfigured(trouble)
    parts = [part.strip().partition(":") for part in value.split(",")]
    by_id = {key_id: AESGCM(_decoded(text) or b"") for key_id, _, text in parts}
    return Keys(next(iter(by_id)), by_id)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
