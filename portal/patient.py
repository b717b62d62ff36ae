"""gunicorn's threaded worker, in which a client that sends slowly waits without a thread.

gunicorn gives a thread to whoever has sent a first byte, and a few who send one now and then hold them all. Here a
request gets a thread once it has come: its head whole, and as much of its body as is looked at beforehand.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Worker = Any
else:
    from gunicorn.workers.gthread import ThreadWorker as Worker

SECONDS = 20  # in which a request must have come
LOOKED_AT = 32 * 1024
PAUSE = 0.05
KEPT_TO_SEND = 1 << 20
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


def has_come(seen: bytes) -> bool:
    """Whether these first bytes of a connection are a request to begin with: all that is looked at, at most."""
    head, end, body = seen.partition(END_OF_HEAD)
    if not end:
        return len(seen) >= LOOKED_AT
    length = LENGTH.search(head)
    return length is None or len(body) >= int(length[1]) or len(seen) >= LOOKED_AT


class PatientWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """Looks at what has come of each request, without taking it, until there is enough."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.coming: dict[Any, float] = {}  # connection -> when it is given up
        self.begun: set[Any] = set()  # of these, those of which something has come

    def enqueue_req(self, conn: Any) -> None:
        """Give the connection a thread when its request has come. TLS is not ours to look into."""
        if conn.data_ready or self.cfg.is_ssl or (conn.parser is not None and conn.parser.unreader.buf.getvalue()):
            conn.data_ready = False
            super().enqueue_req(conn)
        else:
            conn.sock.setblocking(False)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_TO_SEND)  # an answer waits there, not here
            self.coming[conn] = time.monotonic() + SECONDS
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._first_bytes, conn))

    def _first_bytes(self, conn: Any, client: Any) -> None:
        """The socket stays readable from now on, so it is looked at from time to time."""
        self.poller.unregister(client)
        self.begun.add(conn)
        self._look(conn)

    def _look(self, conn: Any) -> None:
        try:
            seen = conn.sock.recv(LOOKED_AT, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            seen = b""
        if seen and not has_come(seen):
            return
        del self.coming[conn]
        self.begun.remove(conn)
        if seen:
            conn.data_ready = True
            self.enqueue_req(conn)
        else:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(min(timeout, PAUSE) if self.begun else timeout)
        for conn in list(self.begun):
            self._look(conn)
        now = time.monotonic()
        for conn in [conn for conn, until in self.coming.items() if now > until or not self.alive]:
            del self.coming[conn]
            if conn in self.begun:
                self.begun.remove(conn)
            else:
                self.poller.unregister(conn.sock)
            self._close(conn)
