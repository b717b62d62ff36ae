"""The metrics that Prometheus scrapes, for whoever has PORTAL_METRICS_TOKEN. Without one there is no such page."""

from __future__ import annotations

import logging
import os
from hmac import compare_digest
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from scopes.views.gauges import DatabaseGauges

log = logging.getLogger(__name__)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The counts of the processes that share a directory, or of this one, and what the database knows; else 401."""
    if not _is_allowed(request):
        log.warning("metrics refused with 401: the token is missing or wrong")
        words = "send the token: Authorization: Bearer …\n"
        challenge = {"WWW-Authenticate": "Bearer"}
        return HttpResponse(words, status=HTTPStatus.UNAUTHORIZED, content_type="text/plain", headers=challenge)
    return HttpResponse(_counts() + _gauges(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_allowed(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and compare_digest(
        token.strip().encode(errors="replace"), settings.PORTAL_METRICS_TOKEN.encode()
    )


def _counts() -> bytes:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


def _gauges() -> bytes:
    registry = CollectorRegistry()
    registry.register(DatabaseGauges())
    return generate_latest(registry)
