"""The door of the mail service's reports: as narrow as that of the sources' events."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from scopes.models import Message
from scopes.views import mail_reports
from tests import cast
from tests.reauth.hands import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

SECRET, KEY = "mail:a-secret", "a-signing-key"
SENT_AT = timezone.now() - timedelta(minutes=5)


@pytest.fixture
def message(settings: Settings) -> Message:
    """A message that was sent by Postmark."""
    settings.MAIL_SERVICE = "postmark"
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET], "MAILGUN_WEBHOOK_SIGNING_KEY": KEY}
    link = send(cast.the("Ben")).link
    return Message.objects.create(
        link=link, state="sent", tracking_id="at-postmark", created_at=SENT_AT, due_at=SENT_AT, sent_at=SENT_AT
    )


def post(body: Any, secret: str = SECRET, **more: Any) -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    by = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    answer = Client().post("/hooks/mail/", content, content_type="application/json", headers=by, **more)
    return answer.status_code


def delivered() -> dict[str, Any]:
    return {"RecordType": "Delivery", "MessageID": "at-postmark", "DeliveredAt": timezone.now().isoformat()}


def state(of: Message) -> str:
    of.refresh_from_db()
    return of.state


def test_a_delivery_is_recorded_however_often_it_is_reported(message: Message) -> None:
    assert [post(delivered()) for _ in range(2)] == [200, 200]
    assert state(message) == "arrived"


def test_a_signed_report_is_recorded_and_one_with_another_signature_is_not(
    message: Message, settings: Settings
) -> None:
    settings.MAIL_SERVICE, settings.ANYMAIL["WEBHOOK_SECRET"] = "mailgun", []

    def body(key: str) -> dict[str, Any]:
        stamp, token = str(int(timezone.now().timestamp())), "a" * 50
        signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
        data = {"event": "delivered", "timestamp": float(stamp), "message": {"headers": {"message-id": "at-postmark"}}}
        return {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": data}

    assert post(body("another"), secret="") == 401
    assert state(message) == "sent"
    assert post(body(KEY), secret="") == 200
    message.tracking_id = "<at-postmark>"
    message.save()
    assert post(body(KEY), secret="") == 200
    assert state(message) == "arrived"


@pytest.mark.parametrize("secret", ["mail:guessed", "", ":", "mail:a-secret-and-more", "näh:é"])
def test_a_report_that_is_not_proved_is_refused_and_counted(
    secret: str, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(delivered(), secret) == 401
    assert state(message) == "sent"
    counted = [record.getMessage() for record in caplog.records if "mail report refused" in record.getMessage()]
    assert len(counted) == 1 and counted[0].startswith("mail report refused with 401: ")
    assert "at-postmark" not in counted[0] and "guessed" not in counted[0]


def test_without_anything_that_proves_them_all_are_refused(message: Message, settings: Settings) -> None:
    settings.ANYMAIL["WEBHOOK_SECRET"] = []
    assert post(delivered()) == 503
    settings.MAIL_SERVICE = ""
    assert post(delivered()) == 404
    assert state(message) == "sent"


def test_an_address_without_its_last_slash_works_too(message: Message, client: Client) -> None:
    assert client.post("/hooks/mail", b"{}", content_type="application/json").status_code == 401


def test_a_large_body_is_refused_before_it_is_read(message: Message) -> None:
    assert post(b"x" * (mail_reports.LARGEST + 1)) == 413
    assert post(b"{}", CONTENT_LENGTH=str(mail_reports.LARGEST + 1)) == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[1, 2]"])
def test_what_cannot_be_read_is_answered_400(body: bytes, message: Message) -> None:
    assert post(body) == 400
    assert state(message) == "sent"


@pytest.mark.parametrize(("method", "answer"), [("get", 405), ("put", 405), ("delete", 405), ("head", 200)])
def test_only_a_post_reports(method: str, answer: int, client: Client) -> None:
    assert getattr(client, method)("/hooks/mail/").status_code == answer


def test_what_could_not_be_recorded_is_sent_again(message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OperationalError("the values of a row")

    monkeypatch.setattr(mail_reports, "record_reports", fail)
    assert post(delivered()) == 503
