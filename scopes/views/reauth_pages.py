"""How the pages of a reauth link are answered: in the right language, uncached, and with a notice where needed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.csp import CSP, build_policy
from django.utils.translation import get_language

from scopes.models import ReauthLink
from scopes.reauth import consent_text, notices
from scopes.reauth.languages import language_of
from scopes.reauth.notices import Notice
from scopes.sources import registry
from scopes.sources.errors import NotConfigured
from scopes.sources.gateway import Gateway, Patience

RETRY_SECONDS = 300
LANGUAGE_KEEPS = timedelta(days=1)

log = logging.getLogger(__name__)


def for_a_person(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view in the browser's language; where the database does not answer in time, a page that says to try again."""

    @wraps(view)
    def answered(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        with translation.override(translation.get_language_from_request(request)):
            try:
                return view(request, *arguments, **named)
            except (OperationalError, InterfaceError) as problem:
                log.warning("a link could not be served, the database did not answer: %s", type(problem).__name__)
                return unavailable(request)

    return answered


def unavailable(request: HttpRequest) -> HttpResponse:
    """A page that needs no database, in the browser's language."""
    with translation.override(translation.get_language_from_request(request)):
        context = {"notice": notices.PORTAL_UNAVAILABLE.translated({})}
        status = HTTPStatus.SERVICE_UNAVAILABLE
        response = private(render(request, "reauth/note.html", context, status=status))
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def in_language_of(request: HttpRequest, link: ReauthLink) -> translation.override:
    """What the person switched to; else the link's language, which the agent chose; else theirs, or the browser's."""
    chosen = request.GET.get("language", ""), request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return translation.override(language_of(*chosen, link.language, link.person.locale))


def _languages(request: HttpRequest) -> list[tuple[str, str]]:
    """Each language that the page can be read in, and what it calls itself; none where the address works once."""
    if request.resolver_match and request.resolver_match.url_name == "reauth_callback":
        return []
    return [(code, str(LANG_INFO.get(code, {}).get("name_local", name))) for code, name in settings.LANGUAGES]


def unknown_link(request: HttpRequest) -> HttpResponse:
    """The same answer for a link that does not exist and for a wrong secret."""
    context = {"notice": notices.UNKNOWN_LINK.translated({})}
    return private(render(request, "reauth/note.html", context, status=HTTPStatus.NOT_FOUND))


def note(request: HttpRequest, link: ReauthLink, notice: Notice, status: HTTPStatus) -> HttpResponse:
    """A page with a notice about the link."""
    consent = consent_text.for_link(link, (), settings.PORTAL_HOST_NAME)
    context = {"consent": consent, "notice": notice.translated(consent.names)}
    return page(request, "reauth/note.html", link, context, status)


def page(
    request: HttpRequest,
    template: str,
    link: ReauthLink,
    context: dict[str, object],
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """A page about the link, with a switch of its language, which the browser keeps for the pages that follow."""
    around = {"languages": _languages(request), "host_url": settings.PORTAL_HOST_URL}
    response = private(render(request, template, {**context, **around}, status=status), link)
    if "language" in request.GET:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            get_language(),
            max_age=LANGUAGE_KEEPS,
            path="/r/",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def private(response: HttpResponse, link: ReauthLink | None = None) -> HttpResponse:
    """Not cached, and its address not passed on: it is a secret."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    if link is not None:
        response[CSP.HEADER_ENFORCE.value] = build_policy({**settings.SECURE_CSP, "form-action": _may_lead_to(link)})
    return response


def _may_lead_to(link: ReauthLink) -> list[str]:
    """Where the button may lead: Chromium applies `form-action` to redirects too, and a provider has many hosts."""
    allowed = [str(CSP.SELF), "https:"]
    try:
        insecure = gateway_of(link).insecure_origin
    except NotConfigured:
        return allowed
    # Only on this machine is http allowed at all, and in production nowhere: it is the sandbox.
    return [*allowed, insecure] if insecure else allowed


def gateway_of(link: ReauthLink) -> Gateway:
    """The gateway of the link's source, for a person who waits. Raises NotConfigured."""
    source = link.integration.source
    return registry.gateway(source.kind, source.name, Patience.INTERACTIVE)
