"""The door of a person who was sent a reauth link: a page, a press, the way back. No sign-in, no cookie, no script."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.csp import CSP, build_policy
from django.views.decorators.csrf import csrf_exempt

from scopes import flow
from scopes.intake import account, deliveries
from scopes.models import Attempt, ReauthLink
from scopes.reauth import asked, landing, texts
from scopes.reauth.link_status import LinkStatus, status_of
from scopes.reauth.progress import missing_of
from scopes.reauth.result import Result, result_of
from scopes.reauth.target import environment_of
from scopes.sources.terra import EnvironmentMissing, Terra, TerraError, TerraUnavailable, client_for
from scopes.sources.terra.client import INTERACTIVE
from scopes.views.door import door

RETRY_SECONDS = 300
LOOK_AGAIN_SECONDS = 4
SECONDS_FOR_PENDING = 2

log = logging.getLogger(__name__)


def _or_try_later(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view; where the database does not answer, or is locked for too long, a page that says to try again."""

    @wraps(view)
    def answered(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        try:
            return view(request, *arguments, **named)
        except (OperationalError, InterfaceError) as problem:
            log.warning("a link could not be served, the database did not answer: %s", type(problem).__name__)
            words = texts.accepted(request.headers.get("Accept-Language", ""))
            context = {"texts": words, "title": words.try_later_title, "text": words.try_later}
            status = HTTPStatus.SERVICE_UNAVAILABLE
            response = _private(render(request, "reauth/note.html", context, status=status))
            response["Retry-After"] = str(RETRY_SECONDS)
            return response

    return answered


@csrf_exempt  # the secret in the address is the capability, and some mail programs keep no cookie
@_or_try_later
def link_page(request: HttpRequest, public_id: str, secret: str) -> HttpResponse:
    """GET shows what is asked for and why, and changes nothing; POST leads to the provider."""
    link = landing.find(public_id, secret)
    if link is None:
        return _unknown(request)
    if request.method == "POST":
        return _lead_on(request, link)
    now = timezone.now()
    status = status_of(link, now)
    if status is not LinkStatus.LIVE:
        return _over(request, link, status)
    lacking = missing_of(link)
    if link.needs and not lacking:
        return _over(request, link, LinkStatus.FIXED)
    if request.method == "GET":
        landing.opened(link, now)
    page = asked.asked_by(link, lacking, settings.PORTAL_HOST_NAME)
    trouble = page.say(page.texts.cannot_connect) if link.integration.source.trouble else ""
    until = page.texts.works_until.format(day=asked.day(link.expires_at, page.texts))
    return _page(request, "reauth/landing.html", link, {"asked": page, "until": until, "trouble": trouble})


@door(methods=("GET", "HEAD"), takes_any_input=True)
@_or_try_later
def back(request: HttpRequest, key: str) -> HttpResponse:
    """Where the provider sends the person: writes down what the address says, and leads on to a clean one."""
    attempt = landing.attempt_by(key)
    if attempt is None:
        return _unknown(request)
    parameters = dict(request.GET.lists())
    end = next(iter(parameters.pop("end", [])), "")
    landing.returned(attempt, end, parameters, timezone.now())
    return _private(HttpResponseRedirect(reverse("reauth_result", args=[key]), status=HTTPStatus.SEE_OTHER))


@csrf_exempt  # the key is as secret as the link's own, and made for one press
@_or_try_later
def result(request: HttpRequest, key: str) -> HttpResponse:
    """How it stands with the try: granted, still missing, not confirmed yet. POST tries again through the same link."""
    attempt = landing.attempt_by(key)
    if attempt is None or attempt.link is None:
        return _unknown(request)
    link = attempt.link
    if request.method == "POST":
        return _lead_on(request, link)
    now = timezone.now()
    outcome = result_of(attempt)
    if outcome is Result.WAITING and _something_was_left_over(attempt, now):
        attempt = landing.attempt_by(key) or attempt
        link = attempt.link or link
        outcome = result_of(attempt)
    page = asked.asked_by(link, () if outcome is Result.FIXED else missing_of(link), settings.PORTAL_HOST_NAME)
    title, text = _words(outcome, attempt, page)
    context = {
        "asked": page,
        "title": title,
        "text": text,
        "waiting": outcome is Result.WAITING,
        "fixed": outcome is Result.FIXED,
        "may_try": outcome not in (Result.FIXED, Result.WAITING) and status_of(link, now) is LinkStatus.LIVE,
    }
    response = _page(request, "reauth/result.html", link, context)
    if outcome is Result.WAITING and now - attempt.started_at < landing.HOUR:
        response["Refresh"] = str(LOOK_AGAIN_SECONDS)
    return response


def _lead_on(request: HttpRequest, link: ReauthLink) -> HttpResponse:
    """To the provider's own page, by an address that is minted now."""
    now = timezone.now()
    words = texts.in_language(link.language)
    try:
        attempt = landing.begin(link, now)
    except landing.LinkEnded as over:
        return _over(request, link, over.status)
    except landing.TooManyPresses:
        return _note(request, link, words.too_many_title, words.too_many, HTTPStatus.TOO_MANY_REQUESTS)
    address = request.build_absolute_uri(reverse("reauth_back", args=[attempt.key]))
    back_to = landing.BackTo(success=f"{address}?end=success", failure=f"{address}?end=failure")
    try:
        url = landing.mint(attempt, _terra(link), back_to, link.language, now)
    except EnvironmentMissing as problem:
        landing.not_minted(attempt, str(problem), now)
    except TerraUnavailable as problem:
        log.warning("link %s was pressed and led nowhere: %s", link.public_id, problem)
        response = _note(request, link, words.try_later_title, words.try_later, HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
    except TerraError as problem:
        log.warning("link %s was pressed and led nowhere: %s", link.public_id, problem)
        account.note(link.integration.source.key, problem, now, links=True)
    else:
        account.works(link.integration.source.key, links=True)
        return _private(HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER), link)
    return _note(request, link, words.try_later_title, words.cannot_connect, HTTPStatus.SERVICE_UNAVAILABLE)


def _something_was_left_over(attempt: Attempt, now: datetime) -> bool:
    """Whether a delivery came that could not be processed, and is now: it may be the one that the person waits for."""
    try:
        ends = time.monotonic() + SECONDS_FOR_PENDING
        return deliveries.work_off_some(attempt.source, flow.take_in_together, now, lambda: time.monotonic() < ends)
    except Error as problem:
        log.warning("what was left over waits for a worker: %s", type(problem).__name__)
        return False


def _terra(link: ReauthLink) -> Terra:
    return client_for(environment_of(link.integration.source), INTERACTIVE)


def _words(outcome: Result, attempt: Attempt, page: asked.Asked) -> tuple[str, str]:
    words = page.texts
    said = {
        Result.FIXED: (words.fixed_title, words.fixed),
        Result.PARTLY: (words.partly_title, words.partly),
        Result.UNCHANGED: (words.unchanged_title, words.unchanged),
        Result.WRONG_ACCOUNT: (words.wrong_account_title, words.wrong_account),
        Result.MISSING_SCOPES: (words.failed_title, words.failed_scopes),
        Result.NOT_ALLOWED: (words.failed_title, words.failed_refused),
        Result.FAILED: (words.failed_title, words.failed),
        Result.WAITING: (words.waiting_title, words.waiting),
    }
    title, text = said[outcome]
    return page.say(title), page.say(text)


def _over(request: HttpRequest, link: ReauthLink, status: LinkStatus) -> HttpResponse:
    words = texts.in_language(link.language)
    title, text = {
        LinkStatus.FIXED: (words.fixed_title, words.fixed),
        LinkStatus.WITHDRAWN: (words.withdrawn_title, words.withdrawn),
        LinkStatus.SUPERSEDED: (words.superseded_title, words.superseded),
        LinkStatus.EXPIRED: (words.expired_title, words.expired),
    }[status]
    return _note(request, link, title, text, HTTPStatus.OK if status is LinkStatus.FIXED else HTTPStatus.GONE)


def _unknown(request: HttpRequest) -> HttpResponse:
    """The same for a link that never was and for a wrong secret."""
    words = texts.accepted(request.headers.get("Accept-Language", ""))
    context = {"texts": words, "title": words.unknown_title, "text": words.unknown}
    return _private(render(request, "reauth/note.html", context, status=HTTPStatus.NOT_FOUND))


def _note(request: HttpRequest, link: ReauthLink, title: str, text: str, status: HTTPStatus) -> HttpResponse:
    page = asked.asked_by(link, (), settings.PORTAL_HOST_NAME)
    context = {"title": page.say(title), "text": page.say(text)}
    return _page(request, "reauth/note.html", link, {"asked": page, **context}, status)


def _page(
    request: HttpRequest,
    template: str,
    link: ReauthLink,
    context: dict[str, object],
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    words = texts.in_language(link.language)
    return _private(render(request, template, {"texts": words, **context}, status=status), link)


def _private(response: HttpResponse, link: ReauthLink | None = None) -> HttpResponse:
    """Kept by nobody, and its address told to nobody: it is a secret."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    if link is not None:
        response[CSP.HEADER_ENFORCE.value] = build_policy({**settings.SECURE_CSP, "form-action": _may_lead_to(link)})
    return response


def _may_lead_to(link: ReauthLink) -> list[str]:
    """Where the button may lead: Chromium asks `form-action` about redirects too, and a provider has many hosts."""
    allowed = [str(CSP.SELF), "https:"]
    try:
        base = urlsplit(_terra(link).environment.base_url)
    except EnvironmentMissing:
        return allowed
    # Only on this machine is http allowed at all, and in production nowhere: it is the sandbox.
    return [*allowed, f"{base.scheme}://{base.netloc}"] if base.scheme == "http" else allowed
