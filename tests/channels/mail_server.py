"""A mail server on the loopback: it keeps what it takes, and refuses what it is set to refuse."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """`refuses` are answers to RCPT by address; `at_the_end` is the answer to a whole mail, empty to break off."""

    port: int = 0
    refuses: dict[str, str] = field(default_factory=dict)
    at_the_end: str = "250 taken"
    connections: int = 0
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)

    @property
    def mailers(self) -> dict[str, dict[str, object]]:
        options = {"host": "127.0.0.1", "port": self.port, "timeout": 5}
        return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}


@contextmanager
def mail_server() -> Iterator[MailServer]:
    found = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            found.connections += 1
            to = ""
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                verb = line[:4].upper()
                if verb == "RCPT":
                    to = line.partition("<")[2].partition(">")[0]
                    self.say(found.refuses.get(to, "250 ok"))
                elif verb == "DATA":
                    self.say("354 go on")
                    body = b"".join(iter(self.rfile.readline, b".\r\n"))
                    if not found.at_the_end:
                        return
                    if found.at_the_end.startswith("250"):
                        found.taken.append((to, message_from_bytes(body, policy=policy.default)))
                    self.say(found.at_the_end)
                else:
                    self.say("221 bye" if verb == "QUIT" else "250 ok")

        def say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield found
        server.shutdown()
