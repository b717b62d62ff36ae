"""Mails, handed to the mail server or mail service that settings.MAILERS names, over one connection for many.

What came of a mail is an answer, and no exception. Only what is known not to have been taken may be sent again: where
the connection broke in the middle, the answer is that nobody knows.
"""

from __future__ import annotations

import logging
import re
import smtplib
from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused
from anymail.message import AnymailMessage
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.mail import mailers
from django.core.validators import validate_email
from requests import ConnectTimeout
from urllib3.exceptions import NewConnectionError

ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# What a status of RFC 3463 is about, by its second number; the others are about systems, content and policy.
OF_ADDRESSES, OF_ANYTHING = frozenset("12"), frozenset(("", "0"))
NOT_TAKEN_STATUS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
CLOSING = 421
INVALID = "invalid address"
BROKE_OFF = "broke off"

log = logging.getLogger(__name__)


class Result(StrEnum):
    """What came of a mail. `NOT_TAKEN`: it was not sent, and may be sent later. `UNKNOWN`: perhaps it was."""

    TAKEN = "taken"
    REFUSED = "refused"
    NOT_TAKEN = "not taken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """`detail` is a code, such as `550 5.1.1`. `blames_address`: it was refused for its address.

    `tracking_id` is the mail service's own id, empty for a mail server.
    """

    result: Result
    detail: str = ""
    tracking_id: str = ""
    blames_address: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom mails come from, and where answers go, empty for the same."""

    address: str
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `public_id` travels with it, and comes back in what the mail service reports of it."""

    to: str
    subject: str
    text: str
    html: str
    language: str
    public_id: UUID


class Line:
    """A connection to the mail server, opened when it is needed."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self._backend: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> bool:
        """Whether there is a connection by now. Why not is logged."""
        if self._backend is not None:
            return True
        try:
            backend = mailers.default
            backend.open()
        except (OSError, ImproperlyConfigured, AnymailError) as problem:  # smtplib's are OSErrors
            log.warning("no connection to the mail server: %s", _words(problem))
            return False
        self._backend = backend
        return True

    def send(self, mail: Mail) -> Answer:
        """Hand over one mail. `open` was true before."""
        try:
            validate_email(mail.to)
        except ValidationError:
            return Answer(Result.REFUSED, INVALID, blames_address=True)
        message = self._message(mail)
        try:
            self._backend.send_messages([message])
        except Exception as problem:  # noqa: BLE001 - whatever it is, the mail may have been sent
            if not _leaves_open(problem):
                self.close()
            answer = _answer_of(problem, message)
            log.warning("sending a mail failed (%s): %s", answer.result, _words(problem))
            return answer
        return Answer(Result.TAKEN, tracking_id=_tracking_id(message))

    def close(self) -> None:
        """End the connection, if there is one."""
        backend, self._backend = self._backend, None
        if backend is not None:
            try:
                backend.close()
            except OSError as problem:
                log.info("the connection to the mail server was not closed in order: %s", _words(problem))

    def _message(self, mail: Mail) -> AnymailMessage:
        headers = {"Auto-Submitted": "auto-generated", "Content-Language": mail.language}
        if not isinstance(self._backend, AnymailBaseBackend):
            domain = parseaddr(self.sender.address)[1].rpartition("@")[2]
            headers["Message-ID"] = f"<{mail.public_id}@{domain}>"
        message = AnymailMessage(
            subject=mail.subject,
            body=mail.text,
            from_email=self.sender.address,
            to=[mail.to],
            reply_to=[self.sender.reply_to] if self.sender.reply_to else None,
            headers=headers,
            metadata={"message": str(mail.public_id)},
            track_opens=False,
            track_clicks=False,  # the link would lead through the mail service
        )
        message.attach_alternative(mail.html, "text/html")
        return message


def _answer_of(problem: Exception, message: AnymailMessage) -> Answer:
    """What an exception says of the mail."""
    match problem:
        case smtplib.SMTPRecipientsRefused():
            return _of_recipient(*next(iter(problem.recipients.values())))
        case smtplib.SMTPDataError():
            return _of_content(problem.smtp_code, problem.smtp_error)
        case smtplib.SMTPResponseException():  # as a sender, or where we sign in
            return Answer(Result.NOT_TAKEN, str(problem.smtp_code))
        case smtplib.SMTPNotSupportedError() | AnymailInvalidAddress():
            return Answer(Result.REFUSED, INVALID, blames_address=True)
        case AnymailRecipientsRefused():
            detail = next(iter(message.anymail_status.status or ()), None) or "rejected"
            return Answer(Result.REFUSED, detail, _tracking_id(message), blames_address=True)
        case AnymailAPIError():
            return _by_api(problem)
        case AnymailError():  # raised before anything is sent
            return Answer(Result.NOT_TAKEN)
        case _:
            return Answer(Result.UNKNOWN, BROKE_OFF)


def _leaves_open(problem: Exception) -> bool:
    """Whether the connection can be used for the next mail."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code != CLOSING for code, _ in problem.recipients.values())
    return isinstance(problem, AnymailRecipientsRefused)


def _tracking_id(message: AnymailMessage) -> str:
    found = message.anymail_status.message_id
    return found if isinstance(found, str) else ""


def _of_recipient(code: int, words: bytes | str) -> Answer:
    """RFC 5321 and 3463: 5xx is for good, unless it is about our server or policy; anything else may be tried later."""
    subject, detail = _read(code, words)
    for_good = 500 <= code < 600 and subject in OF_ADDRESSES | OF_ANYTHING
    return Answer(Result.REFUSED if for_good else Result.NOT_TAKEN, detail, blames_address=for_good)


def _of_content(code: int, words: bytes | str) -> Answer:
    """As for a recipient, once the whole mail was handed over: 5xx is for good, whatever it is about."""
    subject, detail = _read(code, words)
    if not 500 <= code < 600:
        return Answer(Result.NOT_TAKEN, detail)
    return Answer(Result.REFUSED, detail, blames_address=subject in OF_ADDRESSES)


def _read(code: int, words: bytes | str) -> tuple[str, str]:
    """What the enhanced status is about, empty where there is none, and the codes."""
    found = ENHANCED.search(words.decode(errors="replace") if isinstance(words, bytes) else words)
    return (found[2], f"{code} {found[0]}") if found else ("", str(code))


def _by_api(problem: AnymailAPIError) -> Answer:
    """Of a mail service that answered with an error, or did not answer."""
    status = problem.status_code
    if status is None:
        return Answer(Result.NOT_TAKEN) if _never_connected(problem.__cause__) else Answer(Result.UNKNOWN, BROKE_OFF)
    if 400 <= status < 500 or status in NOT_TAKEN_STATUS:
        return Answer(Result.NOT_TAKEN, str(status))
    return Answer(Result.UNKNOWN, str(status))


def _never_connected(cause: BaseException | None) -> bool:
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(cause, ConnectTimeout) or isinstance(reason, NewConnectionError)


def _words(problem: Exception) -> str:
    """What went wrong, without what a server repeats of the mail."""
    code = getattr(problem, "smtp_code", None) or getattr(problem, "status_code", None) or ""
    return f"{type(problem).__name__} {code}".strip()
