"""The API as a whole: its routers, its document, how errors are answered, and how a call is received."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from scopes.api import connection_list, errors, events, idempotency, links, own_key, people, person, problems, tokens
from scopes.api.bodies import read_body
from scopes.api.problems import Problem
from scopes.door import door

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DOCUMENT, DOCS_PAGE, ROOT = "openapi-json", "openapi-view", "api-root"
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

log = logging.getLogger(__name__)


class Api(NinjaAPI):
    """Says in its document that every operation may answer with a problem."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        document["components"].setdefault("schemas", {})["Problem"] = problems.SCHEMA
        content = {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"]["default"] = {"description": "A problem; see its code", "content": content}
        return document


api = Api(
    title="Scope portal",
    version="1",
    description="Report people, connections and errors; read what is missing and why; obtain links and access tokens.",
    urls_namespace="api",
)


# The list of connections is at the same address as the report of them, so they have one router.
for one in (people, person, connection_list, errors, events, links, tokens, own_key):
    api.add_router("", one.router)


@api.exception_handler(Problem)
def _problem(_request: HttpRequest, problem: Problem) -> HttpResponse:
    return problems.answer(problem)


@api.exception_handler(idempotency.Replayed)
def _replayed(_request: HttpRequest, replayed: idempotency.Replayed) -> HttpResponse:
    return replayed.response


@api.exception_handler(AuthenticationError)
def _no_key(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    return problems.answer(Problem(401, "key_missing", "Send a key: Authorization: Bearer sps_…"))


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What is wrong where, without the values."""
    errors = [{"at": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors]
    return problems.answer(Problem(422, "invalid", "The call does not have the documented form.", errors=errors))


@api.exception_handler(HttpError)
def _bad_request(_request: HttpRequest, error: HttpError) -> HttpResponse:
    return problems.answer(Problem(error.status_code, "bad_request", "The body is no JSON."))


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("a call could not be answered: %s", type(error).__name__)
        return problems.answer(problems.unavailable())
    log.error("a call failed: %s", request.resolver_match and request.resolver_match.route, exc_info=error)
    return problems.answer(Problem(500, "failed", "The portal failed. It is on its log."))


def _received(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view of an operation, once its body is read."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            if any(UNSTORABLE.search(text) for name, texts in request.GET.lists() for text in (name, *texts)):
                raise Problem(400, "bad_character", "The address holds a character that no text has.")  # noqa: TRY301
            read_body(request)
            response = view(request, *args, **kwargs)
        except Problem as problem:
            response = problems.answer(problem)
        if response.status_code == 405:
            allowed = response["Allow"]
            response = problems.answer(Problem(405, "method_not_allowed", "The address takes other methods."))
            response["Allow"] = allowed
        idempotency.end(request, response)
        return response

    return door(methods=METHODS, takes_any_input=True, busy=problems.busy)(transaction.non_atomic_requests(run))


def not_found(_request: HttpRequest, rest: str = "") -> HttpResponse:
    """The answer at every address below the API that is none of its own."""
    return problems.answer(Problem(404, "not_found", "There is nothing at this address."))


def urls() -> tuple[list[URLPattern], str, str]:
    """The addresses of the API."""
    found, app, namespace = api.urls
    patterns = [pattern for pattern in found if isinstance(pattern, URLPattern)]
    nothing = door(methods=METHODS, takes_any_input=True)(csrf_exempt(not_found))
    for pattern in patterns:
        if pattern.name == ROOT:
            pattern.callback = nothing
        elif pattern.name in (DOCUMENT, DOCS_PAGE):
            # The page draws its signs from images in its style sheet.
            images = csp_override({**settings.SECURE_CSP, "img-src": [CSP.SELF, "data:"]})
            pattern.callback = door(methods=("GET", "HEAD"))(images(pattern.callback))
        else:
            pattern.callback = _received(pattern.callback)
    return [*patterns, path("<path:rest>", nothing)], app, namespace
