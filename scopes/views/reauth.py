"""The pages of a reauth link, for the person: the link, the press, the return. No sign-in, no script.

Where the consent is finished in the callback, a cookie binds the attempt to the browser that pressed.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from scopes import flow
from scopes.door import door
from scopes.models import Attempt, ReauthLink, Source
from scopes.reauth import callback as consents
from scopes.reauth import consent_text, landing, notices
from scopes.reauth.languages import language_of
from scopes.reauth.link_status import LinkEnded, LinkStatus, status_of
from scopes.reauth.notices import Notice
from scopes.reauth.progress import is_connected, is_unknown, missing_of
from scopes.reauth.public_address import public_address
from scopes.reauth.result import AttemptResult, result_of
from scopes.sources import registry
from scopes.sources.errors import NotConfigured, SourceError, SourceUnavailable
from scopes.sources.gateway import Patience
from scopes.sync import account, deliveries
from scopes.views.reauth_pages import (
    RETRY_SECONDS,
    for_a_person,
    gateway_of,
    in_language_of,
    note,
    page,
    private,
    unavailable,
    unknown_link,
)

LOOK_AGAIN_SECONDS = 4
SECONDS_FOR_PENDING = 2
# The results that the connection's verdict decided.
JUDGED = (AttemptResult.FIXED, AttemptResult.PARTLY, AttemptResult.UNCHANGED)
NO_OTHER_ATTEMPT = (AttemptResult.FIXED, AttemptResult.WAITING)
BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
BROWSER_KEEPS = timedelta(hours=2)

log = logging.getLogger(__name__)


@door(busy=unavailable)
@csrf_exempt  # the secret in the address is the capability, and some mail programs keep no cookie
@for_a_person
def link_page(request: HttpRequest, public_id: str, secret: str) -> HttpResponse:
    """GET shows what is asked for and why, and changes nothing; POST redirects to the provider."""
    link = landing.find(public_id, secret)
    if link is None:
        return unknown_link(request)
    with in_language_of(request, link):
        return _redirect_to_provider(request, link) if request.method == "POST" else _show_link(request, link)


@door(methods=("GET", "HEAD"), takes_any_input=True, busy=unavailable)
@for_a_person
def back(request: HttpRequest, key: str) -> HttpResponse:
    """Where the provider sends the person: records the address's parameters, and redirects to the result's page."""
    attempt = landing.attempt_by(key)
    if attempt is None or _is_finished_here(attempt):
        return unknown_link(request)
    parameters = dict(request.GET.lists())
    end = next(iter(parameters.pop("end", [])), "")
    landing.returned(attempt, end, parameters, timezone.now())
    return _to_result(attempt)


@door(methods=("GET", "HEAD"), takes_any_input=True, busy=unavailable)
@for_a_person
def callback(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """Where the provider sends the person whose consent is finished here; `state` is the key of the attempt.

    An attempt at another source, and one that another browser began, are refused before anything is exchanged.
    """
    parameters = dict(request.GET.lists())
    states = parameters.get("state", [])
    attempt = landing.attempt_by(states[0]) if len(states) == 1 else None
    if attempt is None or (attempt.source.kind, attempt.source.name) != (kind, name) or not _is_finished_here(attempt):
        return unknown_link(request)
    assert attempt.link is not None
    if not landing.is_begun_by(attempt, request.COOKIES.get(settings.CONSENT_COOKIE_NAME, "")):
        with in_language_of(request, attempt.link):
            return note(request, attempt.link, notices.OTHER_BROWSER, HTTPStatus.FORBIDDEN)
    landing.returned(attempt, "", consents.without_secrets(parameters), timezone.now())
    if request.method == "GET":
        _finish(request, attempt, parameters)
    return _to_result(attempt)


@door(busy=unavailable)
@csrf_exempt  # the key is as secret as the link's own, and made for one press
@for_a_person
def result(request: HttpRequest, key: str) -> HttpResponse:
    """The attempt's result: granted, still missing, not confirmed yet. POST begins another through the same link."""
    attempt = landing.attempt_by(key)
    if attempt is None or attempt.link is None:
        return unknown_link(request)
    with in_language_of(request, attempt.link):
        return (
            _redirect_to_provider(request, attempt.link)
            if request.method == "POST"
            else _show_result(request, attempt, attempt.link)
        )


@csrf_exempt
@for_a_person
def incomplete(request: HttpRequest, rest: str) -> HttpResponse:
    """An address that is cut off."""
    return unknown_link(request)


def _show_link(request: HttpRequest, link: ReauthLink) -> HttpResponse:
    now = timezone.now()
    status = status_of(link, now)
    if status is not LinkStatus.LIVE:
        return _ended(request, link, status)
    lacking = missing_of(link)
    if link.needs and not lacking:
        return _ended(request, link, LinkStatus.FIXED)
    if request.method == "GET":
        landing.opened(link, now)
    consent = consent_text.for_link(link, lacking, settings.PORTAL_HOST_NAME)
    trouble = notices.CANNOT_CONNECT.translated(consent.names).text if link.integration.source.trouble else ""
    context = {"consent": consent, "until": consent_text.works_until(link.expires_at), "trouble": trouble}
    return page(request, "reauth/landing.html", link, context)


def _show_result(request: HttpRequest, attempt: Attempt, link: ReauthLink) -> HttpResponse:
    now = timezone.now()
    outcome = result_of(attempt)
    if consents.is_cut_off(attempt, now):
        flow.settle_overdue(attempt.source.key, now)
    if outcome is AttemptResult.WAITING and (consents.is_cut_off(attempt, now) or _pending_was_processed(attempt, now)):
        attempt = landing.attempt_by(attempt.key) or attempt
        link = attempt.link or link
        outcome = result_of(attempt)
    finished = outcome is AttemptResult.FIXED or (outcome in JUDGED and is_unknown(link))
    consent = consent_text.for_link(link, () if finished else missing_of(link), settings.PORTAL_HOST_NAME)
    context = {
        "consent": consent,
        "notice": _notice(outcome, link).translated(consent.names),
        "waiting": outcome is AttemptResult.WAITING,
        "fixed": finished,
        "may_try": not finished and outcome not in NO_OTHER_ATTEMPT and status_of(link, now) is LinkStatus.LIVE,
    }
    response = page(request, "reauth/result.html", link, context)
    if outcome is AttemptResult.WAITING and now - attempt.started_at < landing.HOUR:
        response["Refresh"] = str(LOOK_AGAIN_SECONDS)
    return response


def _notice(outcome: AttemptResult, link: ReauthLink) -> Notice:
    if outcome in JUDGED and is_unknown(link):
        return notices.NOT_REPORTED
    while_connected = notices.WHILE_CONNECTED.get(outcome)
    return while_connected if while_connected and is_connected(link) else notices.RESULTS[outcome]


def _redirect_to_provider(request: HttpRequest, link: ReauthLink) -> HttpResponse:
    """Redirect to the provider's own page, whose address is created now."""
    now = timezone.now()
    source = link.integration.source
    browser = _browser(request) if source.kind in registry.able("finishes_consents") else ""
    try:
        attempt = landing.begin(link, now, browser)
    except LinkEnded as ended:
        return _ended(request, link, ended.status)
    except landing.TooManyPresses:
        return note(request, link, notices.TOO_MANY_PRESSES, HTTPStatus.TOO_MANY_REQUESTS)
    address = public_address(request, "reauth_back", attempt.key)
    back_to = landing.BackTo(f"{address}?end=success", f"{address}?end=failure", _callback_url(request, source))
    try:
        url = landing.mint(attempt, gateway_of(link), back_to, language_of(), now)
    except NotConfigured as problem:
        landing.not_minted(attempt, str(problem), now)
    except SourceUnavailable as problem:
        log.warning("link %s was pressed and no consent could begin: %s", link.public_id, problem)
        response = note(request, link, notices.SOURCE_UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
    except SourceError as problem:
        log.warning("link %s was pressed and no consent could begin: %s", link.public_id, problem)
        account.note(source.key, problem, now)
    else:
        response = private(HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER), link)
        if browser:
            _remember(response, browser)
        else:
            account.works(source.key, links=True)
        return response
    return note(request, link, notices.CANNOT_CONNECT, HTTPStatus.SERVICE_UNAVAILABLE)


def _browser(request: HttpRequest) -> str:
    """What this browser keeps to prove that it began an attempt; the same for all of its tabs."""
    kept = request.COOKIES.get(settings.CONSENT_COOKIE_NAME, "")
    return kept if BROWSER.fullmatch(kept) else secrets.token_urlsafe(32)


def _remember(response: HttpResponse, browser: str) -> None:
    # Lax: the provider's page leads back here, which a strict cookie would not survive.
    response.set_cookie(
        settings.CONSENT_COOKIE_NAME,
        browser,
        max_age=BROWSER_KEEPS,
        secure=settings.CONSENT_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _is_finished_here(attempt: Attempt) -> bool:
    return attempt.source.kind in registry.able("finishes_consents")


def _to_result(attempt: Attempt) -> HttpResponse:
    return private(HttpResponseRedirect(reverse("reauth_result", args=[attempt.key]), status=HTTPStatus.SEE_OTHER))


def _finish(request: HttpRequest, attempt: Attempt, parameters: Mapping[str, Sequence[str]]) -> None:
    """Finish the consent, unless that has begun already: the browser's Back button repeats the callback."""
    source = attempt.source
    try:
        gateway = registry.gateway(source.kind, source.name, Patience.INTERACTIVE)
        if flow.finish_consent(attempt, gateway, _callback_url(request, source), parameters, timezone.now):
            account.works(source.key, links=True)
    except NotConfigured as problem:
        log.warning("a consent at %s returned and could not be finished: %s", source.key, problem)
    except SourceError as problem:
        log.warning("a consent at %s returned and was not finished: %s", source.key, problem)
        account.note(source.key, problem, timezone.now())


def _callback_url(request: HttpRequest, source: Source) -> str:
    """The redirect URI. It is registered at the provider, which compares it to the letter."""
    return public_address(request, "reauth_callback", source.kind, source.name)


def _pending_was_processed(attempt: Attempt, now: datetime) -> bool:
    """Whether pending deliveries were processed now: the one that the person waits for may be among them."""
    try:
        ends = time.monotonic() + SECONDS_FOR_PENDING
        return deliveries.process_newest(attempt.source, now, lambda: time.monotonic() < ends)
    except Error as problem:
        log.warning("pending deliveries wait for a worker: %s", type(problem).__name__)
        return False


def _ended(request: HttpRequest, link: ReauthLink, status: LinkStatus) -> HttpResponse:
    answer = HTTPStatus.OK if status is LinkStatus.FIXED else HTTPStatus.GONE
    unknown = status is LinkStatus.FIXED and is_unknown(link)
    return note(request, link, notices.NOT_REPORTED if unknown else notices.LINKS[status], answer)
