"""A second factor after the password: who must have one, whether a session has proved it, and the pages to set it up.

Codes, passkeys, recovery codes and the pages' logic are django-allauth's. It asks for a second factor at sign-in where
there is one, but forces no one to set one up: the desk opens to who must have one only once the session has proved it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import qrcode
from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    get_authentication_records,
    record_authentication,
)
from allauth.account.views import reauthenticate as by_password
from allauth.core import context
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import views as base
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scopes.admin import factor_secrets, sessions, sign_in_log
from scopes.admin.sign_in import is_page_of_desk, network_of

type View = Callable[..., HttpResponseBase]

ALL, ADMINISTRATOR = "all", "administrator"
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# What a session recorded of how its agent proved to be it, in allauth's words.
SECOND = "mfa"


def must_have_one(user: User | AnonymousUser) -> bool:
    """Whether this agent must have a second factor, by their roles as they are now."""
    names: frozenset[str] = settings.PORTAL_SECOND_FACTOR
    if not names or not isinstance(user, User):
        return False
    if ALL in names or (user.is_superuser and ADMINISTRATOR in names):
        return True
    return user.groups.filter(name__in=names).exists()


def has_one(user: User) -> bool:
    """Whether the agent has set one up; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def is_proved(request: HttpRequest) -> bool:
    """Whether a second factor of who is signed in was proved in this session."""
    return any(record.get("method") == SECOND for record in get_authentication_records(request, request.user))


def is_missing(request: HttpRequest) -> bool:
    """Whether the desk stays closed to this session until a second factor is set up or proved."""
    return must_have_one(request.user) and not is_proved(request)


def way_to_prove(user: User, after: str) -> HttpResponseRedirect:
    """To the page where a second factor is proved, and from there to the page `after`; or to where one is set up."""
    if not has_one(user):
        return HttpResponseRedirect(reverse("mfa_index"))
    return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: after})}")


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """What allauth asks us about accounts. Nobody signs up, and no one is sent anything by it."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        return bool(url) and is_page_of_desk(url or "")

    def get_client_ip(self, request: HttpRequest) -> str:
        return network_of(request) or "unknown"

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:
        """Whether to ask for the password or a code again: where the last of this session is some minutes old."""
        request: HttpRequest = context.request
        proved = [float(record["at"]) for record in get_authentication_records(request, request.user)]
        return bool(time.time() - max(proved, default=0.0) > app_settings.REAUTHENTICATION_TIMEOUT)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Only what went wrong: our pages show by themselves what was done."""
        if message and level >= messages.ERROR:
            messages.add_message(request, level, message, extra_tags=extra_tags)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:login"))

    def post_login(self, request: HttpRequest, user: User, **of_login: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().post_login(request, user, **of_login)
        records = get_authentication_records(request, user)
        sign_in_log.signed_in(user, [str(record["method"]) for record in records], timezone.now())
        sessions.describe(request, timezone.now())
        return response


class Factors(DefaultMFAAdapter):  # type: ignore[misc]
    """What allauth asks us about second factors."""

    def encrypt(self, text: str) -> str:
        return factor_secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return factor_secrets.decrypt(encrypted_text)

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def build_totp_svg(self, url: str) -> SafeString:
        """The QR code as a picture within the page, for a page loads none from a data address."""
        code = qrcode.QRCode(border=4, error_correction=qrcode.ERROR_CORRECT_M)
        code.add_data(url)
        rows = code.get_matrix()
        dots = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
        return format_html('<svg viewBox="0 0 {0} {0}" aria-hidden="true"><path d="{1}"/></svg>', len(rows), dots)


@receiver(signals.authenticator_added)
def _added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Who sets one up has just proved it; their other sessions have not, and end."""
    if authenticator.type in FACTORS:
        record_authentication(request, user, SECOND, id=authenticator.pk, type=authenticator.type)
        sessions.end_all_of(user, but=request.session.session_key)
        sign_in_log.factor_added(user, str(authenticator.type), timezone.now())


@receiver(signals.authenticator_removed)
def _removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Who has none any more has proved none either."""
    if authenticator.type not in FACTORS:
        return
    sign_in_log.factor_removed(user, str(authenticator.type), timezone.now())
    if not has_one(user):
        records = get_authentication_records(request, user)
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [one for one in records if one.get("method") != SECOND]


@receiver(signals.authenticator_reset)
def _new_codes(request: HttpRequest, user: User, **_: Any) -> None:
    sign_in_log.factor_added(user, "recovery_codes", timezone.now())


@receiver(signals.authentication_failed)
def _failed(request: HttpRequest, user: User, **_: Any) -> None:
    sign_in_log.code_refused(user, timezone.now())


def _page(view: View, *, to_prove: bool = False, shows_secret: bool = False) -> View:
    """A page of allauth's for who is signed in. Who has a second factor proves it first, but on the page for that."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if not (user.is_active and user.is_staff):
            raise PermissionDenied
        if not to_prove and not is_proved(request) and has_one(user):
            return way_to_prove(user, request.path)
        return view(request, *args, **kwargs)

    vars(guarded).update(shows_secret=shows_secret)
    return guarded


PAGES: list[URLPattern] = [
    path("sign-in/second-factor/", base.authenticate, name="mfa_authenticate"),
    path("second-factor/", _page(base.index), name="mfa_index"),
    path("second-factor/password/", _page(by_password, to_prove=True), name="account_reauthenticate"),
    path("second-factor/prove/", _page(base.reauthenticate, to_prove=True), name="mfa_reauthenticate"),
    path("second-factor/app/", _page(totp.activate_totp, shows_secret=True), name="mfa_activate_totp"),
    path("second-factor/app/remove/", _page(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "second-factor/codes/",
        _page(recovery_codes.view_recovery_codes, shows_secret=True),
        name="mfa_view_recovery_codes",
    ),
    path("second-factor/codes/new/", _page(recovery_codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
]
