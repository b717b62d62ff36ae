"""One request to a checked address: bounded in time and length, whoever answers. Redirects are not followed.

The connection is made to the IP address that was checked; the host's own name is what its certificate must be for.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Buffer, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import certifi

from scopes.outbox.address import AddressRefused, Target, look_up

SECONDS = 10.0
CONNECT_SECONDS = 5.0
MOST_BYTES = 1024
AGENT = "scope-desk-events/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `status` is None where there was no answer, for the reason `error` in our words.

    `retry_after` is for how many seconds we are asked to wait; None where nothing is said, or in no readable way.
    `seconds` is how long it took.
    """

    status: int | None
    error: str = ""
    retry_after: float | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken the event."""
        return self.status is not None and 200 <= self.status < 300


class Line:
    """Requests to one target, one at a time, over a connection that stays open between them while that is allowed."""

    def __init__(self, target: Target, *, loopback: bool = False) -> None:
        self.target, self.loopback = target, loopback
        self._open: _Connection | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send the body. The name is looked up and checked anew, and the answer read to 1 KB."""
        began = time.monotonic()
        answer = self._post(body, headers, began + SECONDS)
        return replace(answer, seconds=time.monotonic() - began)

    def _post(self, body: bytes, headers: Mapping[str, str], ends: float) -> Answer:
        try:
            addresses = look_up(self.target, seconds=min(CONNECT_SECONDS, SECONDS), loopback=self.loopback)
            if self._open is not None and self._open.address in addresses:
                try:
                    return self._exchange(self._open, body, headers, ends)
                except (http.client.RemoteDisconnected, ConnectionError):
                    pass  # closed since the request before: receivers recognise a repeated event by its id
            self.close()
            self._open = _Connection(self.target, addresses, ends)
            return self._exchange(self._open, body, headers, ends)
        except AddressRefused as refused:
            return self._failed(str(refused))
        except ssl.SSLError:
            return self._failed("the encrypted connection failed; is the certificate valid?")
        except TimeoutError:
            return self._failed(f"no answer within {SECONDS:g} s")
        except OSError:
            return self._failed("no connection, or it was closed")
        except (http.client.HTTPException, ValueError):
            return self._failed("the answer is not HTTP")

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _exchange(self, line: _Connection, body: bytes, headers: Mapping[str, str], ends: float) -> Answer:
        line.ends = ends
        line.request("POST", self.target.path, body=body, headers={"User-Agent": AGENT, **headers})
        with line.getresponse() as response:
            response.read(MOST_BYTES)
            whole = response.isclosed() or response.length == 0
            answer = Answer(
                response.status,
                "" if 200 <= response.status < 300 else f"answered with {response.status}",
                _seconds(response.getheader("Retry-After", "")),
            )
        if not whole or response.will_close:
            self.close()
        return answer

    def _failed(self, words: str) -> Answer:
        self.close()
        return Answer(None, words)


class _Connection(http.client.HTTPConnection):
    """A connection to one of the checked addresses that ends, in whatever it is doing, when the clock says `ends`."""

    def __init__(self, target: Target, addresses: list[str], ends: float) -> None:
        super().__init__(target.host, target.port)
        self.default_port = 443 if target.encrypted else 80  # else it stands in the Host header
        self.target, self.addresses, self.ends = target, addresses, ends
        self.address = ""

    def connect(self) -> None:
        problem: OSError = ConnectionError("no address")
        for address in self.addresses:
            try:
                seconds = min(CONNECT_SECONDS, _left(self.ends))
                plain = socket.create_connection((address, self.target.port), timeout=seconds)
            except OSError as error:
                problem = error
                continue
            try:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                plain.settimeout(_left(self.ends))
                found = _tls().wrap_socket(plain, server_hostname=self.target.host) if self.target.encrypted else plain
            except BaseException:
                plain.close()
                raise
            self.address = address
            self.sock = _Bounded(found, self)
            return
        raise problem


class _Bounded:
    """A socket of which each call has no longer than what is left of the whole request."""

    def __init__(self, plain: socket.socket, owner: _Connection) -> None:
        self.plain, self.owner = plain, owner

    def sendall(self, data: bytes) -> None:
        self.plain.settimeout(_left(self.owner.ends))
        self.plain.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        self.plain.close()


class _Received(io.RawIOBase):
    """What the bounded socket receives."""

    def __init__(self, bounded: _Bounded) -> None:
        self.bounded = bounded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self.bounded.plain.settimeout(_left(self.bounded.owner.ends))
        return self.bounded.plain.recv_into(buffer)


def _left(ends: float) -> float:
    """The seconds that are left. Raises TimeoutError."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def _seconds(value: str) -> float | None:
    return float(value) if value.isascii() and value.isdigit() and len(value) < 8 else None
