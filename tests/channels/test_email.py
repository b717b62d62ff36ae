"""What comes of a mail: over SMTP to a server on the loopback, and over HTTP to a mail service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from scopes.channels.email import Answer, Line, Mail, Result, Sender
from tests.channels.mail_server import MailServer, mail_server
from tests.outbox.receiving import Receiver, receiver

SENDER = Sender("Vitalog <support@vitalog.example>", "answers@vitalog.example")
PUBLIC_ID = UUID(int=7)
# In Postmark's words, which Anymail reads.
INACTIVE = b"""{"ErrorCode": 406, "Message": "You tried to send to recipients that have been marked as inactive.\\nFound
 inactive addresses: ben@example.com.\\nInactive recipients are ones that have generated a hard bounce."}""".replace(
    b"\n", b""
)


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as found:
        settings.MAILERS = found.mailers
        yield found


@pytest.fixture
def service(settings: Settings) -> Iterator[Receiver]:
    """Postmark, on the loopback."""
    with receiver() as found:
        options = {"api_url": f"{found.url}/", "server_token": "a-token"}
        settings.MAILERS = {"default": {"BACKEND": "anymail.backends.postmark.EmailBackend", "OPTIONS": options}}
        settings.ANYMAIL = {"IGNORE_UNSUPPORTED_FEATURES": True, "REQUESTS_TIMEOUT": 5}
        found.headers = {"Content-Type": "application/json"}
        yield found


def mail(to: str = "ben@example.com") -> Mail:
    return Mail(to, "Vitalog: Oura verbinden", "Hallo", "<p>Hallo</p>", "de", PUBLIC_ID)


def sent(*mails: Mail) -> list[Answer]:
    """What came of these mails, sent over one line."""
    with Line(SENDER) as line:
        answers = []
        for one in mails:
            assert line.open()
            answers.append(line.send(one))
        return answers


def test_mails_of_a_batch_go_over_one_connection_each_to_one_person(server: MailServer) -> None:
    assert [answer.result for answer in sent(mail(), mail("cy@example.com"))] == [Result.TAKEN] * 2

    assert server.connections == 1
    assert [to for to, _ in server.taken] == ["ben@example.com", "cy@example.com"]
    message = server.taken[0][1]
    assert message["Message-ID"] == f"<{PUBLIC_ID}@vitalog.example>"
    assert (message["From"], message["To"], message["Reply-To"]) == (SENDER.address, "ben@example.com", SENDER.reply_to)
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "de")
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        ("550 5.1.1 no such user ben@example.com", Answer(Result.REFUSED, "550 5.1.1", blames_address=True)),
        ("550 unknown", Answer(Result.REFUSED, "550", blames_address=True)),
        ("550 5.7.1 relaying denied", Answer(Result.NOT_TAKEN, "550 5.7.1")),
        ("452 4.2.2 mailbox full", Answer(Result.NOT_TAKEN, "452 4.2.2")),
        ("421 4.3.2 closing", Answer(Result.NOT_TAKEN, "421 4.3.2")),
    ],
)
def test_a_recipient_is_refused_permanently_or_for_now_and_the_next_mail_goes(
    answer: str, came: Answer, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuses["ben@example.com"] = answer

    assert sent(mail(), mail("cy@example.com")) == [came, Answer(Result.TAKEN)]
    assert server.connections == (2 if answer.startswith("421") else 1)
    assert "ben@example.com" not in caplog.text


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        ("554 5.7.1 looks like spam", Answer(Result.REFUSED, "554 5.7.1")),
        ("550 5.2.1 disabled", Answer(Result.REFUSED, "550 5.2.1", blames_address=True)),
        ("451 4.3.0 later", Answer(Result.NOT_TAKEN, "451 4.3.0")),
        ("", Answer(Result.UNKNOWN, "broke off")),
    ],
)
def test_a_whole_mail_is_refused_or_its_end_is_not_known(answer: str, came: Answer, server: MailServer) -> None:
    server.at_the_end = answer

    assert sent(mail()) == [came]


@pytest.mark.parametrize("address", ["no address", "a@b@c", "ben@example.com\nBcc: cy@example.com"])
def test_what_is_no_address_gets_no_mail(address: str, server: MailServer) -> None:
    assert sent(mail(address)) == [Answer(Result.REFUSED, "invalid address", blames_address=True)]
    assert server.taken == []


def test_without_a_server_there_is_no_line(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with mail_server() as gone:
        settings.MAILERS = gone.mailers
    with Line(SENDER) as line:
        assert not line.open()
    settings.MAILERS = {}
    with Line(SENDER) as line:
        assert not line.open()
    assert "no connection to the mail server: ConnectionRefusedError" in caplog.text


def test_a_mail_service_gives_its_id_and_is_asked_to_track_no_reader(service: Receiver) -> None:
    service.body = json.dumps(
        {"ErrorCode": 0, "Message": "OK", "To": "ben@example.com", "MessageID": "at-postmark"}
    ).encode()

    assert sent(mail()) == [Answer(Result.TAKEN, tracking_id="at-postmark")]

    (headers, body) = service.arrived[0]
    asked: dict[str, Any] = json.loads(body)
    assert headers["x-postmark-server-token"] == "a-token"
    assert (asked["TrackOpens"], asked["TrackLinks"]) == (False, "None")
    assert asked["Metadata"] == {"message": str(PUBLIC_ID)}


@pytest.mark.parametrize(
    ("status", "body", "came"),
    [
        (422, INACTIVE, Answer(Result.REFUSED, "rejected", blames_address=True)),
        (401, b"{}", Answer(Result.NOT_TAKEN, "401")),
        (503, b"", Answer(Result.NOT_TAKEN, "503")),
        (500, b"", Answer(Result.UNKNOWN, "500")),
        (200, b"<html>", Answer(Result.UNKNOWN, "200")),
    ],
)
def test_what_a_mail_service_answers(status: int, body: bytes, came: Answer, service: Receiver) -> None:
    service.status, service.body = status, body

    assert sent(mail()) == [came]


def test_a_mail_service_that_breaks_off_may_have_sent_it_and_one_that_is_not_there_has_not(
    service: Receiver, settings: Settings
) -> None:
    def break_off(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.close_connection = True

    service.answer = break_off
    assert sent(mail()) == [Answer(Result.UNKNOWN, "broke off")]
    settings.MAILERS["default"]["OPTIONS"]["api_url"] = "http://127.0.0.1:9/"
    assert sent(mail()) == [Answer(Result.NOT_TAKEN)]
