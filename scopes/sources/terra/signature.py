"""Terra's webhook signature, over the raw bytes: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`, v1 perhaps often.

Verification cannot be skipped, and no tolerance is enforced: Terra's retries come for a day, perhaps with the first
signature. The age of a signature is reported instead.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from scopes.sources.errors import NotVerified

LONGEST_HEADER = 4096
FIRST_IN_MILLISECONDS = 10**11

_TIMESTAMP = re.compile(r"[0-9]{1,13}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was verified. `timestamp` is its `t` as it was sent: seconds, or by one page milliseconds."""

    timestamp: int

    @property
    def signed_at(self) -> datetime:
        seconds = self.timestamp if self.timestamp < FIRST_IN_MILLISECONDS else self.timestamp / 1000
        return datetime.fromtimestamp(seconds, UTC)

    def age(self, now: datetime) -> timedelta:
        """How long before `now` it was signed; negative when it claims to come from the future."""
        return now - self.signed_at


class SignatureCheck:
    """Whether a signature was made over a body that arrives piece by piece, with any of `secrets`.

    Raises NotVerified at once for a header that can fit no body, and where there is no secret to verify with.
    """

    def __init__(self, header: str, secrets: Sequence[str]) -> None:
        keys = [secret.encode() for secret in secrets if secret]
        if not keys:
            raise NotVerified("no signing secret is set, so nothing can be verified")
        self._timestamp, self._given = _read(header)
        self._expected = [hmac.new(key, f"{self._timestamp}.".encode(), sha256) for key in keys]

    def update(self, piece: bytes) -> None:
        """Take the next piece of the body."""
        for expected in self._expected:
            expected.update(piece)

    def signature(self) -> Signature:
        """The signature, when any of its `v1` values was made over all pieces. Takes constant time.

        Raises NotVerified otherwise.
        """
        ours = [expected.hexdigest() for expected in self._expected]
        matches = [hmac.compare_digest(one, other) for one in ours for other in self._given]
        if not any(matches):
            raise NotVerified("no signature matches: the secret is another one, or the body was changed on its way")
        return Signature(int(self._timestamp))


def verify(body: bytes, header: str, secrets: Sequence[str]) -> Signature:
    """The signature of a body that is there as a whole. Raises NotVerified."""
    check = SignatureCheck(header, secrets)
    check.update(body)
    return check.signature()


def sign(body: bytes, secret: str, at: datetime) -> str:
    """The header that Terra would send with `body` at the time `at`. For deliveries to ourselves."""
    timestamp = str(int(at.timestamp()))
    return f"t={timestamp},v1={_digest(body, timestamp, secret.encode())}"


def _read(header: str) -> tuple[str, list[str]]:
    """The `t` and every well-formed `v1`. Other schemes are ignored."""
    if not header:
        raise NotVerified("the signature header is missing")
    if len(header) > LONGEST_HEADER:
        raise NotVerified("the signature header is too long")
    elements = [tuple(part.strip() for part in element.partition("=")) for element in header.split(",")]
    timestamps = [value for name, _, value in elements if name == "t"]
    given = [value for name, _, value in elements if name == "v1" and _DIGEST.fullmatch(value)]
    if len(timestamps) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
        raise NotVerified("the signature header needs exactly one t=<unix seconds>")
    if not given:
        raise NotVerified("the signature header holds no v1=<64 hexadecimal digits>")
    return timestamps[0], given


def _digest(body: bytes, timestamp: str, key: bytes) -> str:
    return hmac.new(key, timestamp.encode() + b"." + body, sha256).hexdigest()
