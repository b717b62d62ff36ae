"""gunicorn's threaded worker, in which a client that sends or reads slowly waits without a thread.

gunicorn gives a thread to whoever has sent a first byte, and a few who send one now and then hold them all. Here a
request gets a thread once it has come: its head whole, and as much of its body as is looked at beforehand. Bodies that
are larger have a few threads for themselves. The loop that accepts connections waits for no client, either.
"""

from __future__ import annotations

import re
import selectors
import socket
import termios
import time
from contextlib import suppress
from fcntl import ioctl
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Worker = Any
else:
    from gunicorn.workers.gthread import ThreadWorker as Worker

SECONDS = 20  # in which a request must have come, and then the rest of a large body
SECONDS_TO_CLOSE = 2
LOOKED_AT = 32 * 1024
LARGE_AT_ONCE = 4  # of the threads of a process; limits.py says how many are for pages
PAUSE = 0.05
KEPT_TO_SEND = 1 << 20
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
STREAMED = re.compile(rb"^(?:transfer-encoding|expect):", re.IGNORECASE | re.MULTILINE)


def is_whole(seen: bytes) -> bool:
    """Whether these first bytes of a connection hold a request to its end."""
    head, end, body = seen.partition(END_OF_HEAD)
    if not end or STREAMED.search(head):
        return False
    length = LENGTH.search(head)
    return length is None or len(body) >= int(length[1])


def has_come(seen: bytes) -> bool:
    """Whether these first bytes of a connection are a request to begin with: all that is looked at, at most."""
    head, end, _ = seen.partition(END_OF_HEAD)
    return len(seen) >= LOOKED_AT or is_whole(seen) or bool(end and STREAMED.search(head))


class SlowClientWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """Looks at what has come of each request, without taking it, until there is enough."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.coming: dict[Any, float] = {}  # connection -> when it is given up
        self.begun: set[Any] = set()  # of these, those of which something has come
        self.large: dict[Any, float] = {}  # connection with a thread -> when the rest of its body must have come
        self.closing: dict[Any, float] = {}  # connection -> when it is closed

    def enqueue_req(self, conn: Any) -> None:
        """Give the connection a thread when its request has come. TLS is not ours to look into."""
        if self.cfg.is_ssl:
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_TO_SEND)  # an answer waits there, not here
        self.coming[conn] = time.monotonic() + SECONDS
        if _read_ahead(conn):
            self.begun.add(conn)
            self._look(conn)
        else:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._first_bytes, conn))

    def _first_bytes(self, conn: Any, client: Any) -> None:
        """The socket stays readable from now on, so it is looked at from time to time."""
        self.poller.unregister(client)
        self.begun.add(conn)
        self._look(conn)

    def _look(self, conn: Any) -> None:
        ended = False
        seen = _read_ahead(conn)
        try:
            received = conn.sock.recv(LOOKED_AT, socket.MSG_PEEK)
            ended = not received
            seen += received
        except BlockingIOError:
            pass
        except OSError:
            seen, ended = b"", True
        if ended and not seen:
            self._forget(conn)
            self._close(conn)
        elif has_come(seen) and not _is_sending(conn):
            whole = is_whole(seen)
            if whole or len(self.large) < LARGE_AT_ONCE:
                self._forget(conn)
                if not whole:
                    self.large[conn] = time.monotonic() + SECONDS
                conn.data_ready = True  # so that no thread waits for it again
                super().enqueue_req(conn)

    def _forget(self, conn: Any) -> None:
        del self.coming[conn]
        if conn in self.begun:
            self.begun.remove(conn)
        else:
            self.poller.unregister(conn.sock)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Close by the poller: gunicorn would read on for two seconds and serve nobody else in that time."""
        self.large.pop(conn, None)
        if self.cfg.is_ssl or fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._read_on, conn))
        except (OSError, ValueError):
            self._close(conn)
        else:
            self.closing[conn] = time.monotonic() + SECONDS_TO_CLOSE

    def _read_on(self, conn: Any, client: Any) -> None:
        """Take what a client sends after its answer, so that closing does not destroy the answer on its way."""
        more = b""
        with suppress(OSError):
            more = client.recv(LOOKED_AT)
        if not more:
            self._end(conn)

    def _end(self, conn: Any) -> None:
        del self.closing[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(min(timeout, PAUSE) if self.begun else timeout)
        for conn in list(self.begun):
            self._look(conn)
        now = time.monotonic()
        for conn in [conn for conn, until in self.coming.items() if now > until or not self.alive]:
            self._forget(conn)
            self._close(conn)
        for conn in [conn for conn, until in self.closing.items() if now > until]:
            self._end(conn)
        for conn in [conn for conn, until in self.large.items() if now > until]:
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)  # its thread reads the end


def _read_ahead(conn: Any) -> bytes:
    """What was read of this request with the one before it."""
    return b"" if conn.parser is None else bytes(conn.parser.unreader.buf.getvalue())


def _is_sending(conn: Any) -> bool:
    """Whether the client has yet to read of the answer before; the next would wait for it in a thread."""
    try:
        return any(ioctl(conn.sock, termios.TIOCOUTQ, bytes(4)))
    except OSError:
        return False
