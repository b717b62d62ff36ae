"""What a mail service reports by webhook, checked by Anymail's own view of that service, and read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from anymail.exceptions import AnymailInsecureWebhookWarning
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

SENT, ARRIVED, COMPLAINED, BOUNCED = "sent", "arrived", "complained", "bounced"
WHAT = {
    EventType.QUEUED: SENT,
    EventType.SENT: SENT,
    EventType.DELIVERED: ARRIVED,
    EventType.AUTORESPONDED: ARRIVED,
    EventType.OPENED: ARRIVED,
    EventType.CLICKED: ARRIVED,
    EventType.COMPLAINED: COMPLAINED,
    EventType.BOUNCED: BOUNCED,
    EventType.REJECTED: BOUNCED,
    EventType.FAILED: BOUNCED,
}
OF_THE_ADDRESS = (RejectReason.INVALID, RejectReason.BOUNCED, RejectReason.SPAM, RejectReason.UNSUBSCRIBED)


class NoTracking(Exception):
    """No service is set up, or one that reports nothing by webhook."""


class NotSetUp(Exception):
    """Nothing proves the service's webhooks: neither a key nor a secret is set."""


class NotProved(Exception):
    """The webhook is not proved to be the service's."""


class Unreadable(Exception):
    """The webhook is proved, and cannot be read."""


@dataclass(frozen=True, slots=True)
class MailReport:
    """What happened to a mail (sent, arrived, complained or bounced), and when.

    It names the mail by our id, or by the service's own, empty where it does not. `detail` is a code.
    `blames_address`: it bounced for its address.
    """

    what: str
    at: datetime
    public_id: UUID | None = None
    tracking_id: str = ""
    detail: str = ""
    blames_address: bool = False


def read(service: str, request: HttpRequest, now: datetime) -> list[MailReport]:
    """What the webhook reports. Raises NoTracking, NotSetUp, NotProved, Unreadable. The request's body is read."""
    view = _view_of(service)
    try:
        view.run_validators(request)
    except Exception as problem:  # noqa: BLE001 - whatever is wrong with it: it is not proved
        raise NotProved(type(problem).__name__) from None
    try:
        return list(_reports(view.parse_events(request), now))
    except Exception as problem:  # noqa: BLE001 - a service's own format
        raise Unreadable(type(problem).__name__) from None


def _view_of(service: str) -> Any:
    from anymail import urls  # noqa: PLC0415 - loads every service, and only webhooks need one

    names = (f"{service}_tracking_webhook", f"{service}_webhook")
    found = next((path.callback for path in urls.urlpatterns if service and path.name in names), None)
    if found is None:
        raise NoTracking
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AnymailInsecureWebhookWarning)
            view = found.view_class()
    except ImproperlyConfigured:
        raise NotSetUp from None
    if view.warn_if_no_basic_auth and not view.basic_auth:
        raise NotSetUp
    return view


def _reports(events: list[AnymailTrackingEvent], now: datetime) -> Iterator[MailReport]:
    for event in events:
        if (what := WHAT.get(event.event_type)) is not None:
            reason = event.reject_reason
            yield MailReport(
                what,
                min(event.timestamp or now, now),
                _public_id((event.metadata or {}).get("message")),
                str(event.message_id or "")[:255],
                str(reason or event.event_type) if what == BOUNCED else "",
                blames_address=reason in OF_THE_ADDRESS or (reason is None and event.event_type == EventType.BOUNCED),
            )


def _public_id(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
