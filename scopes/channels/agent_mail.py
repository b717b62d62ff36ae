"""Mails to agents of the desk, about their own sign-in. They are in English, as the desk is."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.auth.models import User
from django.utils.html import format_html, format_html_join

from scopes.channels.email import Answer, Line, Mail, Result, Sender

LANGUAGE = "en"


def send_reset(sender: Sender, user: User, url: str) -> Answer:
    """Send the agent the address at which to choose a new password."""
    name = "Choose a new password for the desk"
    before = (
        f"Somebody asked for a new password for {user.get_username()}, at the desk. Choose it here, within an hour:"
    )
    after = "Was it not you? Then ignore this mail: your password stays as it is."
    paragraphs = [before, url, after]
    link = format_html('<a href="{}">{}</a>', url, name)
    body = format_html_join("\n", "<p>{}</p>", ((words,) for words in (before, link, after)))
    html = format_html('<!DOCTYPE html><html lang="{}"><body>{}</body></html>', LANGUAGE, body)
    mail = Mail(user.email, name, "\n\n".join(paragraphs) + "\n", html, LANGUAGE, uuid4())
    with Line(sender) as line:
        return line.send(mail) if line.open() else Answer(Result.NOT_TAKEN)
