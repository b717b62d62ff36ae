"""Sends webhooks from a thread of its own, one after the other, with Terra's retries."""

from __future__ import annotations

import heapq
import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Condition, Thread

import requests
from werkzeug.wrappers import Response

from scopes.sandbox.account import Account
from scopes.sandbox.auth_events import Event
from scopes.sandbox.population import timestamp
from scopes.sandbox.signing import signature

RETRIES = 10
LONGEST_WAIT = 8 * 3600.0
LONGEST_LOGGED = 64 * 1024
SPACING = {"compact": (",", ":"), "spaced": (", ", ": ")}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook to send. A retry changes `attempt` only (and, by a setting, the signature)."""

    type: str
    body: bytes
    trace_id: str
    reference: str
    stamped: int
    signature: str
    attempt: int = 1


class WebhookSender:
    """Sends events to the webhook address in the settings, and logs each attempt in the account's store."""

    def __init__(self, account: Account, secret: str) -> None:
        self._account = account
        self._secret = secret
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._order = 0
        self._held = 0
        self._busy = False
        self._resets = 0
        self._closed = False
        self._changed = Condition()
        self._http = requests.Session()
        self._http.trust_env = False
        self._thread = Thread(target=self._work, name="webhook_sender", daemon=True)
        self._thread.start()

    def send_after(self, answer: Response, events: Iterable[Event]) -> Response:
        """The answer; the events are sent once it has been sent."""
        deliveries = [self._delivery(event) for event in events]
        with self._changed:
            self._held += len(deliveries)
            resets = self._resets
        answer.call_on_close(lambda: self._release(deliveries, resets))
        return answer

    def _delivery(self, event: Event) -> Delivery:
        body = json.dumps(event, separators=SPACING[self._account.settings.body_spacing]).encode()
        now = time.time()
        return Delivery(
            type=event["type"],
            body=body,
            trace_id=str(uuid.uuid4()),
            reference=str(uuid.uuid4()),
            stamped=int(now * 1000),
            signature=signature(self._secret, body, int(now)),
        )

    def _release(self, deliveries: list[Delivery], resets: int) -> None:
        with self._changed:
            self._held -= len(deliveries)
            if resets == self._resets:
                for delivery in deliveries:
                    self._put(0, delivery)

    def waiting(self) -> int:
        """How many are not delivered yet, those waiting for a retry included."""
        with self._changed:
            return self._held + len(self._waiting) + self._busy

    def forget(self) -> None:
        """Drop everything that waits; the delivery in progress is not retried."""
        with self._changed:
            self._resets += 1
            self._waiting.clear()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._http.close()

    def _put(self, seconds: float, delivery: Delivery) -> None:
        self._order += 1
        heapq.heappush(self._waiting, (time.monotonic() + seconds, self._order, delivery))
        self._changed.notify()

    def _work(self) -> None:
        while due := self._next():
            delivery, resets = due
            status, error = self._deliver(delivery)
            with self._changed:
                self._busy = False
                if resets == self._resets:
                    self._settle(delivery, status, error)

    def _settle(self, delivery: Delivery, status: int | None, error: str) -> None:
        """Logs the attempt, and schedules a retry if it failed."""
        at = timestamp(datetime.now(UTC))
        self._account.store.log_delivery(
            delivery.trace_id, delivery.type, delivery.attempt, at, status, error, _logged(delivery.body)
        )
        settings = self._account.settings
        delivered = status is not None and 200 <= status < 300
        if delivered or not settings.webhook_url or delivery.attempt > RETRIES:
            return
        seconds = min(settings.retry_seconds * 2 ** (delivery.attempt - 1), LONGEST_WAIT)
        self._put(seconds, replace(delivery, attempt=delivery.attempt + 1))

    def _next(self) -> tuple[Delivery, int] | None:
        """The next delivery, once it is due, and the number of resets so far; None when the sender is closed."""
        with self._changed:
            while not self._closed:
                seconds = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if seconds is not None and seconds <= 0:
                    self._busy = True
                    return heapq.heappop(self._waiting)[2], self._resets
                self._changed.wait(seconds)
        return None

    def _deliver(self, delivery: Delivery) -> tuple[int | None, str]:
        """The receiver's status, or None and the error."""
        settings = self._account.settings
        if not settings.webhook_url:
            return None, "not sent: no webhook address is set"
        if delivery.attempt > 1 and settings.retry_signature == "fresh":
            delivery = replace(delivery, signature=signature(self._secret, delivery.body, int(time.time())))
        headers = {
            "Content-Type": "application/json",
            "X-Terra-Signature": delivery.signature,
            "Terra-Signature": delivery.signature,
            "terra-reference": delivery.reference,
            "X-Terra-Trace-Id": delivery.trace_id,
            "X-Terra-Ordering-Timestamp": str(delivery.stamped),
        }
        try:
            answer = self._http.post(
                settings.webhook_url,
                data=delivery.body,
                headers=headers,
                timeout=settings.webhook_timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return None, type(error).__name__
        return answer.status_code, ""


def _logged(body: bytes) -> str:
    """The body for the log: complete, or only its length."""
    return body.decode() if len(body) <= LONGEST_LOGGED else f"{len(body)} bytes, too many for the log"
