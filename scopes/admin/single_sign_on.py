"""Sign-in at the company's identity provider (OpenID Connect), which makes agents, gives them roles and closes them.

The exchange with the provider is django-allauth's: state, PKCE, a code that is spent once, an ID token that comes to us
directly. Who somebody is, and what they may, is decided here. An agent is known by the provider's `sub` and never by an
e-mail address. Their roles are those that their groups are mapped to, at each sign-in anew; without one they are
closed. Who was closed by an administrator stays closed.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, NoReturn

import requests
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.models import Group, User
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from requests.adapters import HTTPAdapter

from scopes.admin import second_factor, sign_in_log
from scopes.admin.sign_in import ATTEMPTS_FROM_AN_ADDRESS, count, hashed, is_page_of_desk, network_of
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.sources.calls import read_bounded

COMPANY = "company"
BY = "single-sign-on"
ASKED_FROM_A_NETWORK = 300
NAMES_TRIED = 100
# How long a session lasts that only waits for the provider's answer. Signing in lengthens it.
SECONDS_TO_RETURN = 600
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5, 10, 15
MOST_BYTES = 1_000_000
# Values of `amr` (RFC 8176) that say that more than a password was asked for.
MORE_THAN_A_PASSWORD = {"mfa", "otp", "hwk", "swk", "fpt", "face", "sc"}
# Why an account is closed: its person has no group that is mapped to a role.
CLOSED = "closed"

# What allauth raises where the provider does not answer as it must; and where two browsers made the same agent at once.
UNANSWERED = (
    requests.RequestException, OAuth2Error, ValueError, KeyError, TypeError, AttributeError, IntegrityError
)  # fmt: skip

log = logging.getLogger(__name__)


class NotLetIn(Exception):
    """The provider says who it is, and they may not sign in; or what it says cannot be believed."""


class BoundedAdapter(HTTPAdapter):
    """Calls to the provider: in bounded time, and of each answer at most MOST_BYTES."""

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        limits = {"stream": True, "timeout": (CONNECT_SECONDS, READ_SECONDS)}
        response = super().send(request, **{**options, **limits})
        body = read_bounded(response, MOST_BYTES, time.monotonic() + TOTAL_SECONDS)
        if body is None:
            raise requests.RequestException
        response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
        return response


class Company(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """What allauth asks us about the provider's people."""

    def get_requests_session(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, BoundedAdapter())
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> NoReturn:
        """Let in or refuse whom the provider names: nothing of allauth's own signing up comes after it."""
        raise ImmediateHttpResponse(_answer(request, sociallogin))

    def on_authentication_error(self, request: HttpRequest, provider: Any, **_: Any) -> NoReturn:
        raise ImmediateHttpResponse(_refused(request))


def start(request: HttpRequest) -> HttpResponseBase:
    """POST leads to the provider, and afterwards to the page `next` of the desk."""
    if not count(hashed("company-asked", network_of(request)), ASKED_FROM_A_NETWORK, timezone.now()):
        return _refused(request)
    if not request.user.is_authenticated:
        request.session.set_expiry(SECONDS_TO_RETURN)
    after = request.POST.get(REDIRECT_FIELD_NAME, "")
    kept = QueryDict(mutable=True)
    if is_page_of_desk(after):
        kept[REDIRECT_FIELD_NAME] = after
    # What is asked of the provider is in the settings, not in an address.
    request.GET = request.POST = kept  # type: ignore[assignment]
    return _asking(openid_connect.login, request)


def back(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Where the provider sends people back to."""
    return _asking(openid_connect.callback, request)


def _asking(view: Any, request: HttpRequest) -> HttpResponseBase:
    try:
        response: HttpResponseBase = view(request, COMPANY)
    except UNANSWERED as problem:
        log.warning("identity_provider_failed %s", type(problem).__name__)
        return _refused(request)
    return response


def _answer(request: HttpRequest, signing_in: SocialLogin) -> HttpResponseBase:
    try:
        claims = _claims_of(signing_in)
        user = _record(claims, timezone.now())
    except NotLetIn:
        user = None
    if user is None:
        return _refused(request)
    if request.user.is_authenticated:
        logout(request)
    record_authentication(request, user, "socialaccount", provider=COMPANY)
    if MORE_THAN_A_PASSWORD.intersection(_words(claims.get("amr"))):
        record_authentication(request, user, second_factor.SECOND, type=COMPANY)
    after = signing_in.state.get("next") or reverse("admin:index")
    response: HttpResponseBase = perform_login(request, Login(user=user, redirect_url=after))
    return response


def _refused(request: HttpRequest) -> HttpResponseRedirect:
    """Back to the sign-in, with one answer for whatever was wrong."""
    now = timezone.now()
    if count(hashed("company-refused", network_of(request)), ATTEMPTS_FROM_AN_ADDRESS, now):
        sign_in_log.refused("", now)
    words = gettext("%(provider)s did not let you in here. Ask an administrator whether your group may use the desk.")
    messages.error(request, words % {"provider": settings.OIDC_NAME})
    return HttpResponseRedirect(reverse("admin:login"), status=HTTPStatus.FOUND)


def _claims_of(signing_in: SocialLogin) -> dict[str, Any]:
    """What the provider says of the person: the ID token, and what its endpoint adds. Raises NotLetIn."""
    said = signing_in.account.extra_data
    token, more = said.get("id_token"), said.get("userinfo") or {}
    if not isinstance(token, Mapping) or not isinstance(more, Mapping):
        raise NotLetIn
    same_issuer = str(token.get("iss", "")).rstrip("/") == settings.OIDC_ISSUER.rstrip("/")
    if not same_issuer or not token.get("sub") or more.get("sub", token["sub"]) != token["sub"]:
        raise NotLetIn
    return {**more, **token}


@in_transaction
def _record(claims: Mapping[str, Any], now: datetime) -> User | None:
    """The agent, with the roles that the claims give; None if they give none, and then the agent is closed."""
    mapped: dict[str, str] = settings.OIDC_ROLES
    wanted = {mapped[group] for group in _words(claims.get(settings.OIDC_GROUPS_CLAIM)) if group in mapped}
    # Not as allauth would keep it, with all that the provider says: under the issuer, with nothing but who it is.
    identity = {"provider": settings.OIDC_ISSUER, "uid": str(claims["sub"])}
    known = SocialAccount.objects.select_for_update().filter(**identity).first()
    if known is None and not wanted:
        return None
    user = User.objects.select_for_update().get(pk=known.user_id) if known else User(username=_free_name(claims))
    before = sign_in_log.access_of(user) if known else {}
    closed_by_us = known is not None and bool(known.extra_data.get(CLOSED))
    is_open = bool(wanted) and (known is None or before["active"] or closed_by_us)
    user.is_active = user.is_staff = is_open
    user.first_name, user.last_name = _text(claims, "given_name", 150), _text(claims, "family_name", 150)
    user.email = _text(claims, "email", 254) if "@" in _text(claims, "email", 254) else ""
    if known is None:
        user.set_unusable_password()
    user.save()
    user.groups.set(Group.objects.filter(name__in=wanted))
    account = known or SocialAccount(**identity, user=user)
    account.extra_data = {CLOSED: True} if not wanted and (before["active"] or closed_by_us) else {}
    account.save()
    sign_in_log.access_changed(user, before, sign_in_log.access_of(user), Act(None, by=BY), now)
    return user if is_open else None


def _free_name(claims: Mapping[str, Any]) -> str:
    """A user name that nobody has: what the provider calls the person, and a number if need be."""
    wanted = _text(claims, "preferred_username", 140) or _text(claims, "email", 140) or _text(claims, "sub", 140)
    wanted = re.sub(r"[^\w.@+-]", "-", wanted)
    for name in (f"{wanted}-{number}" if number else wanted for number in range(NAMES_TRIED)):
        if not User.objects.filter(username__iexact=name).exists():
            return name
    raise NotLetIn


def _text(claims: Mapping[str, Any], name: str, longest: int) -> str:
    value = claims.get(name)
    return value.replace("\x00", "")[:longest].strip() if isinstance(value, str) else ""


def _words(claim: object) -> list[str]:
    """The values of a claim that is a list, or a single one."""
    values = claim if isinstance(claim, list) else [claim]
    return [value for value in values if isinstance(value, str)]


vars(start).update(methods=("POST",))
PAGES: list[URLPattern] = [
    path("sign-in/company/", start, name="single_sign_on"),
    path("sign-in/<str:provider_id>/back/", back, name="openid_connect_callback"),
]
