"""The mail that brings a link, in the active language: as text, and as plain HTML without images."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import gettext

from scopes.reauth.consent_text import ConsentText, message_paragraphs


@dataclass(frozen=True, slots=True)
class MailText:
    """What a mail says."""

    subject: str
    text: str
    html: str


def mail_text(
    consent: ConsentText, *, name: str, url: str, expires_at: datetime, first_sent_at: datetime | None = None
) -> MailText:
    """The text of the first message, or of a reminder of the one that was sent at `first_sent_at`."""
    paragraphs = message_paragraphs(consent, name=name, url=url, expires_at=expires_at)
    subject = gettext("%(host)s: %(title)s")
    if first_sent_at is not None:
        subject = gettext("Reminder from %(host)s: %(title)s")
        again = gettext("This is a reminder of our message of %(day)s.")
        paragraphs.insert(1, again % {"day": date_format(first_sent_at)})
    paragraphs.append(consent.host)
    unexpected = gettext("Not expecting this? Then ignore this message: nothing changes.")
    return MailText(
        subject % {"host": consent.host, "title": consent.title},
        "\n\n".join([*paragraphs, unexpected]) + "\n",
        render_to_string(
            "reauth/mail.html",
            {"consent": consent, "paragraphs": paragraphs, "url": url, "unexpected": unexpected},
        ),
    )
