"""Receives the events of every source: nothing unproved is accepted, and nothing that is proved is lost."""

from __future__ import annotations

import logging
import math
import time
from datetime import datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from scopes import flow, queue
from scopes.counters import count_webhook
from scopes.door import door
from scopes.models.transactions import limited
from scopes.sources import registry
from scopes.sources.errors import NotConfigured, NotVerified, SourceUnavailable, UnknownName, Unsupported
from scopes.sources.events import EventAnswer
from scopes.sources.gateway import Gateway
from scopes.sync import deliveries, webhook
from scopes.sync.body import Body
from scopes.sync.receive import NotReceived, receive

SECONDS_FOR_PENDING = 4  # a source waits about 8
CATCH_UP_SECONDS = 30
LONGEST_WAIT = "1s"  # for a lock, once the delivery is stored

# When this process last settled overdue attempts of each source, for installations without a worker.
_caught_up: dict[str, float] = {}

log = logging.getLogger(__name__)


@door(methods=("GET", "POST"), takes_any_input=True, work="webhooks")
@csrf_exempt
@transaction.non_atomic_requests
def receive_event(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """2xx once the delivery is stored, even if processing fails; 401 when it is not proved to be the source's.

    Refusals are counted by their log line, which repeats nothing of the request. 5xx: not stored, so deliver it again.
    """
    if kind not in registry.able("sends_events"):
        return _refuse("unknown", HTTPStatus.NOT_FOUND, "no source of this kind sends events", "no such source")
    try:
        gateway = registry.gateway(kind, name)
    except UnknownName:
        return _refuse("unknown", HTTPStatus.NOT_FOUND, "no such source is set up", "no such source")
    except NotConfigured as problem:
        return _refuse(f"{kind}:{name}", HTTPStatus.SERVICE_UNAVAILABLE, str(problem), "this receiver is not set up")
    return _take(request, gateway) if request.method == "POST" else _shake_hands(request, gateway)


def _take(request: HttpRequest, gateway: Gateway) -> HttpResponse:
    """Store the event, and process what is pending, as long as its sender waits."""
    began = time.monotonic()
    largest = settings.WEBHOOK_LARGEST_MEGABYTES * 1024 * 1024
    now = timezone.now()
    stale_after = timedelta(seconds=settings.WEBHOOK_STALE_SECONDS)
    try:
        with Body() as body:
            check = gateway.check_event(request.headers)
            receive(request, body, largest, check)
            delivery = webhook.store(gateway, body, check.proof(), stale_after=stale_after, now=now)
    except NotVerified as problem:
        return _not_verified(gateway.key, problem)
    except SourceUnavailable as problem:
        return _refuse(gateway.key, HTTPStatus.SERVICE_UNAVAILABLE, str(problem), "not verified now, deliver it again")
    except NotReceived as problem:
        return _refuse(gateway.key, problem.status, str(problem), str(problem))
    except Error as problem:
        # A database error may repeat the row: its name must do.
        why = f"it could not be stored: {type(problem).__name__}"
        return _refuse(gateway.key, HTTPStatus.SERVICE_UNAVAILABLE, why, "not stored, deliver it again")
    log.info("delivery %s stored", delivery)
    done = False
    try:
        done = deliveries.run_pending(timezone.now, lambda: time.monotonic() - began < SECONDS_FOR_PENDING)
        has_time = time.monotonic() - began < SECONDS_FOR_PENDING
        if has_time and began - _caught_up.get(gateway.key, -math.inf) > CATCH_UP_SECONDS:
            _caught_up[gateway.key] = began
            limited(lock=LONGEST_WAIT, statement=LONGEST_WAIT)(flow.settle_overdue)(gateway.key, now)
    except Error as problem:
        log.warning("delivery %s is stored and waits to be processed: %s", delivery, type(problem).__name__)
    if not done:
        _defer_retry(now)
    answer = check.answer()
    count_webhook(gateway.key, answer.status)
    return _answered(answer)


def _shake_hands(request: HttpRequest, gateway: Gateway) -> HttpResponse:
    """The answer to a sender who asks by a GET whether its events are wanted here; most never do."""
    try:
        return _answered(gateway.handshake(request.GET.dict()))
    except NotVerified as problem:
        return _not_verified(gateway.key, problem)
    except SourceUnavailable as problem:
        return _refuse(gateway.key, HTTPStatus.SERVICE_UNAVAILABLE, str(problem), "not verified now, ask again")
    except Unsupported:
        return HttpResponseNotAllowed(["POST"])


def _defer_retry(now: datetime) -> None:
    """Have a worker retry soon. Without the queue the next deliveries do it, so a failure here is only logged."""
    try:
        defer = limited(lock=LONGEST_WAIT, statement=LONGEST_WAIT)(queue.defer)
        defer("pending_deliveries", at=now + timedelta(seconds=deliveries.FIRST_PAUSE_SECONDS))
    except (queue.QueueError, Error) as problem:
        log.warning("pending deliveries wait for the next delivery: %s", type(problem).__name__)


def _refuse(source: str, status: HTTPStatus, why: str, answer: str) -> HttpResponse:
    log.warning("webhook refused with %s, source %s: %s", status.value, source, why)
    count_webhook(source, status.value)
    return _answer(status, answer)


def _not_verified(source: str, problem: NotVerified) -> HttpResponse:
    refused = _refuse(source, HTTPStatus.UNAUTHORIZED, str(problem), "the signature is not verified")
    return _answered(problem.answer) if problem.answer else refused


def _answered(answer: EventAnswer) -> HttpResponse:
    return HttpResponse(answer.text, status=answer.status, content_type=answer.content_type)


def _answer(status: HTTPStatus, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain")
