"""What a mail service reports is read into what happened, to which mail, and when."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from scopes.channels.tracking import MailReport, NotProved, NoTracking, NotSetUp, Unreadable, read

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
PUBLIC_ID = UUID(int=7)
OURS = {"MessageID": "at-postmark", "Metadata": {"message": str(PUBLIC_ID)}}
AT = "2026-11-20T05:59:00Z"
SECRET = "mail:a-secret"


@pytest.fixture(autouse=True)
def _by_basic_authentication(settings: Settings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": ["an-older:secret", SECRET]}


def request(body: Any, secret: str = SECRET) -> HttpRequest:
    content = body if isinstance(body, str) else json.dumps(body)
    by = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return RequestFactory().post("/hooks/mail/", content, content_type="application/json", headers=by)


@pytest.mark.parametrize(
    ("event", "report"),
    [
        ({"RecordType": "Delivery", "DeliveredAt": AT}, ("arrived", "", False)),
        ({"RecordType": "Bounce", "Type": "HardBounce", "BouncedAt": AT}, ("bounced", "bounced", True)),
        ({"RecordType": "Bounce", "Type": "BadEmailAddress", "BouncedAt": AT}, ("bounced", "invalid", True)),
        ({"RecordType": "Bounce", "Type": "Blocked", "BouncedAt": AT}, ("bounced", "blocked", False)),
        ({"RecordType": "SpamComplaint", "Type": "SpamComplaint", "BouncedAt": AT}, ("complained", "", True)),
        ({"RecordType": "Open", "ReceivedAt": AT}, ("arrived", "", False)),
    ],
)
def test_what_happened_is_read(event: dict[str, Any], report: tuple[str, str, bool]) -> None:
    (found,) = read("postmark", request(OURS | event), NOW)

    what, detail, blames = report
    at = datetime(2026, 11, 20, 5, 59, tzinfo=UTC)
    assert found == MailReport(what, at, PUBLIC_ID, "at-postmark", detail, blames_address=blames)


def test_what_says_nothing_of_an_arrival_is_left_out() -> None:
    for event in ({"RecordType": "Bounce", "Type": "Transient"}, {"RecordType": "SubscriptionChange"}, {}):
        assert read("postmark", request(OURS | event), NOW) == []


def test_a_time_in_the_future_counts_as_now_and_a_mail_of_others_has_no_id_of_ours() -> None:
    event = {"RecordType": "Delivery", "DeliveredAt": "2030-01-01T00:00:00Z", "Metadata": {"message": "7"}}
    assert read("postmark", request(event), NOW) == [MailReport("arrived", NOW)]


@pytest.mark.parametrize(
    ("service", "body", "problem"),
    [
        ("postmark", "{", Unreadable),
        ("postmark", "[1]", Unreadable),
        ("", {}, NoTracking),
        ("scaleway", {}, NoTracking),
        ("mailgun", {}, NotSetUp),
    ],
)
def test_what_cannot_be_read_is_refused(service: str, body: Any, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        read(service, request(body), NOW)


def test_what_is_not_proved_is_refused_before_it_is_read(settings: Settings) -> None:
    with pytest.raises(NotProved):
        read("postmark", request("{", "mail:guessed"), NOW)
    settings.ANYMAIL = {"WEBHOOK_SECRET": []}
    with pytest.raises(NotSetUp):
        read("postmark", request(OURS), NOW)
