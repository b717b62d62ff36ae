"""Whether this process runs, and whether it can do its work. Anybody may ask, for the answers contain nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scopes.audit.last import last_audit
from scopes.views.metrics import metrics

log = logging.getLogger(__name__)


@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers. It needs no database: a restart would not fix that."""
    return _answer(HTTPStatus.OK, "alive")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and has every migration, else 503."""
    try:
        loader = MigrationLoader(connection)
    except Error as problem:
        log.warning("not ready: the database does not answer (%s)", type(problem).__name__)
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer")
    if loader.graph.nodes.keys() - (loader.applied_migrations or {}).keys():
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "migrations are missing")
    return _answer(HTTPStatus.OK, "ready")


@never_cache
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """200 where the last audit was in time and did not fail, else 503 with what is wrong."""
    try:
        trouble = last_audit(timezone.now()).trouble
    except Error as problem:
        log.warning("the last audit is not known: the database does not answer (%s)", type(problem).__name__)
        trouble = "the database does not answer"
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK, trouble or "in time")


def probes(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, before all checks: a probe, or who reads metrics, uses plain http and an IP address."""
    views = {"/healthz": alive, "/readyz": ready, "/health/audit": audit, "/metrics": metrics}

    def answer(request: HttpRequest) -> HttpResponseBase:
        view = views.get(request.path_info)
        if view is None or (view is metrics and not settings.PORTAL_METRICS_TOKEN):
            return get_response(request)
        return view(request)

    return answer


def _answer(status: HTTPStatus, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain")
