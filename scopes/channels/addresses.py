"""E-mail addresses that bounced are recognised by a keyed hash, whose key is never in the database."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256

from django.utils.encoding import force_bytes


def keys_from(*secrets: str | bytes) -> tuple[bytes, ...]:
    """One key for each secret, the current one first."""
    return tuple(hmac.new(force_bytes(secret), b"e-mail addresses", sha256).digest() for secret in secrets)


def digests_of(address: str, keys: Sequence[bytes]) -> list[str]:
    """What is stored of an address: by the current key, then by each earlier one. Upper and lower case are the same."""
    return [hmac.new(key, address.strip().lower().encode(), sha256).hexdigest() for key in keys]
