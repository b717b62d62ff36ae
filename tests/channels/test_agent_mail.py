"""The mail with the link to a new password."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from pytest_django import Settings

from scopes.channels.agent_mail import send_reset
from scopes.channels.email import Result, Sender


def test_the_mail_says_for_whom_it_is_and_escapes_what_it_shows(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    url = "https://portal.example.org/admin/r/MQ/a-token/"
    answer = send_reset(Sender("desk@example.org"), User(username="<rex>", email="rex@example.org"), url)
    [sent] = mail.outbox
    assert isinstance(sent, EmailMultiAlternatives)
    html = str(sent.alternatives[0][0])
    assert answer.result is Result.TAKEN and sent.to == ["rex@example.org"]
    assert url in str(sent.body) and "<rex>" in str(sent.body)
    assert f'<a href="{url}">' in html and "&lt;rex&gt;" in html and "<rex>" not in html
