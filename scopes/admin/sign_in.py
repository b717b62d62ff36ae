"""Sign-in by name and password, throttled per name and per address.

A try is counted before the password is looked at, so that many at once cannot pass the limit together. A try beyond
the limit is refused, even with the right password, and does not lengthen the wait. The answer is always the same, so
that it reveals neither which names exist nor which are locked. A right password is not the end of it: django-allauth
goes on, and asks for a second factor where there is one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from scopes.admin import sign_in_log
from scopes.models import FailedSignIns

WINDOW = timedelta(minutes=15)
ATTEMPTS_OF_A_NAME = 5
ATTEMPTS_FROM_AN_ADDRESS = 30
REFUSED = format_lazy(
    _(
        "Wrong username or password. After {attempts} failed attempts a username is locked for {minutes} minutes,"
        " whatever the password. Then try again, or ask an administrator."
    ),
    attempts=ATTEMPTS_OF_A_NAME,
    minutes=WINDOW // timedelta(minutes=1),
)


class SignInForm(AdminAuthenticationForm):
    """Django's form, with the limits before it and one answer for everything that is refused."""

    error_messages = {"invalid_login": REFUSED, "inactive": REFUSED}

    def clean(self) -> dict[str, Any]:
        if not self.cleaned_data.get("username") or not self.cleaned_data.get("password"):
            return super().clean()
        now = timezone.now()
        name = hashed("name", self.cleaned_data["username"].casefold())
        address = hashed("address", network_of(self.request) if self.request else "")
        within = count(name, ATTEMPTS_OF_A_NAME, now)
        if not count(address, ATTEMPTS_FROM_AN_ADDRESS, now):
            raise ValidationError(REFUSED, code="invalid_login")
        try:
            cleaned = super().clean()  # for a locked name too: it takes a third of a second, which would be missed
        except ValidationError:
            if within:
                sign_in_log.refused(self.cleaned_data["username"], now)
            raise
        if not within:
            raise ValidationError(REFUSED, code="invalid_login")
        FailedSignIns.objects.filter(subject=name).delete()
        _take_back(address)
        return cleaned


class SignIn(LoginView):
    """The page that asks for name and password. Who is signed in already, and signs in as another, is signed out."""

    def form_valid(self, form: Any) -> HttpResponse:
        if self.request.user.is_authenticated:
            logout(self.request)
        signing_in = Login(user=form.get_user(), redirect_url=self.get_success_url())
        response: HttpResponse = perform_password_login(self.request, {}, signing_in)
        return response


def forget_strange_next(request: HttpRequest) -> None:
    """Take out where to go afterwards, unless it is a page of the desk: then it is the home page."""
    for sent in ("GET", "POST"):
        values = getattr(request, sent)
        if REDIRECT_FIELD_NAME in values and not is_page_of_desk(values[REDIRECT_FIELD_NAME]):
            values = values.copy()
            del values[REDIRECT_FIELD_NAME]
            setattr(request, sent, values)
    request.META["QUERY_STRING"] = request.GET.urlencode()  # signing out leads to its own address without it


def is_page_of_desk(address: str) -> bool:
    """Whether the address is that of a page of the desk, which one may be led to after signing in."""
    try:
        parts = urlsplit(address)
        match = resolve(parts.path)
    except (ValueError, Http404):
        return False
    return (
        address.startswith(reverse("admin:index"))
        and bool(match.url_name)
        and match.url_name not in ("login", "logout")
        and "GET" in getattr(match.func, "methods", ("GET",))
    )


def count(subject: str, limit: int, now: datetime) -> bool:
    """Count one more try of `subject`; whether it is within the limit. Forgets what is older than the window."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM scopes_failedsignins WHERE first_at <= %s", [now - WINDOW])
        cursor.execute(
            """
            INSERT INTO scopes_failedsignins AS counted (subject, attempts, first_at) VALUES (%s, 1, %s)
            ON CONFLICT (subject) DO UPDATE SET attempts = least(counted.attempts + 1, %s)
            RETURNING attempts
            """,
            [subject, now, limit + 1],
        )
        return int(cursor.fetchone()[0]) <= limit


def _take_back(subject: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE scopes_failedsignins SET attempts = greatest(attempts - 1, 0) WHERE subject = %s", [subject]
        )


def hashed(kind: str, value: str) -> str:
    """What stands in the table instead of a name or an address."""
    return salted_hmac(f"sign-in {kind}", value, algorithm="sha256").hexdigest()


def network_of(request: HttpRequest) -> str:
    """Where a request comes from: the address, or for IPv6 its /64, which one customer has to himself.

    Behind proxies (setting PROXIES says how many) it is the address that the outermost of them saw; what
    stands left of it in X-Forwarded-For anybody can write.
    """
    address: str = request.META.get("REMOTE_ADDR", "")
    proxies: int = getattr(settings, "PROXIES", 0)
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if proxies and len(seen) >= proxies:
        address = seen[-proxies]
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{address}/64", strict=False)) if parsed.version == 6 else str(parsed)
