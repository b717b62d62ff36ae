"""A mailbox of everybody: a page of the mails that were written into a directory, by Django's file backend."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from markupsafe import Markup, escape
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.sandbox import pages

MOST = 50
LARGEST = 1024 * 1024
BETWEEN = b"\n" + b"-" * 79 + b"\n"  # as Django writes after each mail
LINK = re.compile(r"https?://[^\s<>\"]+")
MAIL = Markup("<article><h2>{subject}</h2><p>{sender} → {to}<br>{date}</p>{text}</article>")


class Mails:
    """The mails in a directory, the newest first; none without a directory."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def rules(self) -> Iterator[Rule]:
        if self.directory is not None:
            yield Rule("/mail/", methods=["GET"], endpoint=self.show)

    def show(self, _request: Request) -> Response:
        """The newest mails, each with its text and the links in it."""
        found = [
            MAIL.format(
                subject=mail.get("subject", ""),
                sender=mail.get("from", ""),
                to=mail.get("to", ""),
                date=mail.get("date", ""),
                text=_as_html(mail),
            )
            for mail in self._newest()
        ]
        body = Markup("\n").join(found) or Markup("<p>No mail has been sent yet.</p>")
        return pages.page("Mail", body, "anybody’s mailbox")

    def _newest(self) -> list[EmailMessage]:
        assert self.directory is not None
        found: list[EmailMessage] = []
        for path in sorted(self.directory.glob("*.log"), key=lambda one: one.stat().st_mtime_ns, reverse=True):
            with path.open("rb") as file:
                written = file.read(LARGEST).split(BETWEEN)[:-1]
            found += [message_from_bytes(one, policy=policy.default) for one in reversed(written)]
            if len(found) >= MOST:
                break
        return found[:MOST]


def _as_html(mail: EmailMessage) -> Markup:
    """The text of the mail, in which links can be followed."""
    part = mail.get_body(("plain",))
    text = part.get_content() if part is not None else ""
    paragraphs = (
        LINK.sub(lambda link: f'<a href="{link[0]}">{link[0]}</a>', str(escape(paragraph)).replace("\n", "<br>"))
        for paragraph in text.strip().split("\n\n")
    )
    return Markup("").join(Markup(f"<p>{paragraph}</p>") for paragraph in paragraphs)  # noqa: S704 - escaped above
