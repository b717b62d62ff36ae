"""How Terra signs a webhook: written for the sandbox alone, so that no test of the portal agrees with itself."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of the signature header: `t` is `at` (unix seconds), `v1` the HMAC-SHA256 of `t.body` in hex."""
    digest = hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
