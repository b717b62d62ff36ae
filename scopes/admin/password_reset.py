"""A new password by a link in a mail, for who forgot theirs.

Whether an address belongs to an agent shows neither in the answer nor in its time: a job looks for the agent and sends
the mail. The link works for an hour, once, and its path is one that the log leaves out, as that of a reauth link.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from scopes import queue
from scopes.admin import sign_in_log
from scopes.admin.sign_in import count, hashed, network_of

MAILS_TO_AN_ADDRESS = 3
ASKED_FROM_A_NETWORK = 10
AGENTS_OF_AN_ADDRESS = 5


class AddressForm(forms.Form):
    """Whose password was forgotten."""

    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


def ask(request: HttpRequest) -> HttpResponseBase:
    """GET asks for an address; POST has a link mailed there, if it is an agent's."""
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and settings.MAIL_FROM:
        _have_mailed(request, form.cleaned_data["email"])
        return redirect("reset_password_asked")
    return _page(request, "admin/sign_in/reset.html", form=form, mails=bool(settings.MAIL_FROM))


def asked(request: HttpRequest) -> HttpResponseBase:
    """What happens next, whoever asked."""
    return _page(request, "admin/sign_in/reset_asked.html")


class NewPassword(PasswordResetConfirmView):
    """The page behind the link in the mail. A second factor stays, and other sessions of the agent end."""

    template_name = "admin/sign_in/reset_confirm.html"
    success_url = reverse_lazy("reset_password_done")
    reset_url_token = "new"  # noqa: S105 - stands in the address in place of the token

    def get_user(self, uidb64: str) -> User | None:
        """The agent of the link, unless they may not sign in by a password any more."""
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and may_reset(user) else None

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        sign_in_log.password_reset(form.user, timezone.now())
        return super().form_valid(form)


def done(request: HttpRequest) -> HttpResponseBase:
    """The new password works."""
    return _page(request, "admin/sign_in/reset_done.html")


def may_reset(user: User) -> bool:
    """Whether a forgotten password is replaced by mail: of who signs in here, by a password."""
    return user.is_active and user.is_staff and user.has_usable_password()


def _have_mailed(request: HttpRequest, address: str) -> None:
    """Defer the job, for no one where there is no such agent, or too many were sent."""
    now = timezone.now()
    if not count(hashed("reset-from", network_of(request)), ASKED_FROM_A_NETWORK, now):
        return  # whatever the address is, so this says nothing of it
    by_address = count(hashed("reset-of", address.casefold()), MAILS_TO_AN_ADDRESS, now)
    found = User.objects.filter(email__iexact=address, is_active=True, is_staff=True)[:AGENTS_OF_AN_ADDRESS]
    agents = [user.pk for user in found if may_reset(user)]
    queue.defer("send_password_resets", agents=agents if by_address else [])


def _page(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    return TemplateResponse(request, template, context)


PAGES: list[URLPattern] = [
    path("reset/", ask, name="reset_password"),
    path("reset/asked/", asked, name="reset_password_asked"),
    path("reset/done/", done, name="reset_password_done"),
    path("sign-in/r/<str:uidb64>/<str:token>/", NewPassword.as_view(), name="reset_password_confirm"),
]
