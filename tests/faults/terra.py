"""Terra as a sender of webhooks: signed, each person's in their order, each repeated until it is accepted."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import requests

from tests.faults.machine import PATIENCE, SECRET
from tests.sources.terra.conftest import event
from tests.views.conftest import milliseconds, signature

AT_ONCE = 6
PAUSE_SECONDS = 0.05
SCOPES = ("ACTIVITY_EXPORT", "HEALTH_EXPORT", "COURSE_IMPORT", "WORKOUT_IMPORT")
NO_ANSWER = 0


@dataclass(frozen=True)
class Delivery:
    """One webhook as it is sent, each time the same."""

    body: bytes
    headers: dict[str, str]


def deliveries_of(people: int) -> list[list[Delivery]]:
    """What Terra reports of that many people, each in order: consents, changed permissions, revocations."""
    began = datetime.now(UTC) - timedelta(hours=1)
    return [list(_deliveries(number, began)) for number in range(people)]


def _deliveries(number: int, began: datetime) -> Iterator[Delivery]:
    yield _delivery(number, 0, began, "auth", scopes=SCOPES)
    if number % 2:
        changed = {"scopes_added": "", "scopes_removed": SCOPES[3]}
        yield _delivery(number, 1, began, "permission_change", scopes=SCOPES[:3], **changed)
    if number % 3 == 0:
        yield _delivery(number, 2, began, "activity", scopes=SCOPES[: 3 if number % 2 else 4])
    if number % 5 == 0:
        yield _delivery(number, 3, began, "access_revoked", scopes=SCOPES[: 3 if number % 2 else 4])


def _delivery(number: int, step: int, began: datetime, name: str, *, scopes: tuple[str, ...], **more: Any) -> Delivery:
    payload = event(name)
    who = {"user_id": user_id(number), "reference_id": f"ref-{number}", "provider": "GARMIN"}
    body = json.dumps({**payload, **more, "user": {**payload["user"], **who, "scopes": ",".join(scopes)}}).encode()
    at = began + timedelta(seconds=number + 60 * step)
    return Delivery(
        body,
        {
            "Content-Type": "application/json",
            "X-Terra-Signature": signature(SECRET, body, at),
            "X-Terra-Trace-Id": f"trace-{number}-{step}",
            "X-Terra-Ordering-Timestamp": milliseconds(at),
        },
    )


def user_id(number: int) -> str:
    return f"garmin-{number:04}"


class Sender:
    """Delivers to an address, from several threads. `answers` counts the statuses; NO_ANSWER is a broken connection."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: Counter[int] = Counter()
        self._lock, self._pause = threading.Lock(), threading.Event()

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Deliver in order, each until it is accepted."""
        deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE)
        for delivery in deliveries:
            while not HTTPStatus.OK <= self._try(delivery) < HTTPStatus.MULTIPLE_CHOICES:
                assert datetime.now(UTC) < deadline, f"It was not taken within {PATIENCE} seconds: {self.answers}"
                self._pause.wait(PAUSE_SECONDS)

    def deliver_all(
        self, deliveries: list[list[Delivery]], at_the_same_time: Callable[[], object] = lambda: None
    ) -> None:
        """Deliver all of them, and do `at_the_same_time`."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sent = [pool.submit(self.deliver, of_person) for of_person in deliveries]
            at_the_same_time()
            for each in sent:
                each.result()

    def _try(self, delivery: Delivery) -> int:
        try:
            status = requests.post(self.address, delivery.body, headers=delivery.headers, timeout=PATIENCE).status_code
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):  # before the answer, or within it
            status = NO_ANSWER
        with self._lock:
            self.answers[status] += 1
        return status
