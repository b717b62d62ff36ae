"""The keys of the API: which there are, and the acts of making, rotating and revoking one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.api_keys import ROTATION, KeyEnded, KeyState, Made, NewKey, make, revoke, rotate, state_of
from scopes.models import ApiKey, Source

MANAGE = "scopes.manage_api_keys"
MOST_A_MINUTE = 60_000
STATES = {
    KeyState.IN_FORCE: (_("In force"), "good", "check"),
    KeyState.EXPIRED: (_("Expired"), "quiet", ""),
    KeyState.REVOKED: (_("Revoked"), "quiet", ""),
}


class KeyForm(Why):
    """What the key is to be, and why."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Which application uses it. The logs show this name.")
    )
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"), choices=ApiKey.Permission.choices, widget=forms.CheckboxSelectMultiple
    )
    sources = forms.ModelMultipleChoiceField(
        label=_("Sources"),
        queryset=Source.objects.order_by("key"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none for all, including later ones."),
    )
    expires_on = forms.DateField(
        label=_("Works through"), required=False, help_text=_("Leave empty for no end date. The day ends in UTC.")
    )
    requests_per_minute = forms.IntegerField(
        label=_("Calls a minute"), min_value=1, max_value=MOST_A_MINUTE, initial=600
    )

    field_order = ("name", "permissions", "sources", "expires_on", "requests_per_minute", "reason", "ticket")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.now().date()
        self.fields["expires_on"].widget = forms.DateInput(
            attrs={"type": "date", "min": f"{today:%Y-%m-%d}"}, format="%Y-%m-%d"
        )

    def clean_expires_on(self) -> date | None:
        """A day that has not ended."""
        on: date | None = self.cleaned_data["expires_on"]
        if on is not None and on < timezone.now().date():
            raise forms.ValidationError(gettext("Choose today or a later day, or leave it empty."))
        return on

    def wanted(self) -> NewKey:
        """The key that the form describes; once it is valid."""
        data = self.cleaned_data
        on = data["expires_on"]
        return NewKey(
            name=data["name"],
            permissions=[ApiKey.Permission(one) for one in data["permissions"]],
            sources=list(data["sources"]),
            requests_per_minute=data["requests_per_minute"],
            expires_at=datetime.combine(on + timedelta(days=1), time(), UTC) if on else None,
        )


@desk.screen("api-keys/", "api_keys", MANAGE)
def api_keys(request: HttpRequest) -> HttpResponseBase:
    """All keys, the newest first."""
    now = timezone.now()
    rows = ApiKey.objects.prefetch_related("sources").order_by("-created_at", "-pk")
    shown = [(key, state_of(key, now), STATES[state_of(key, now)], _rotating(key, now)) for key in rows]
    return desk.page(request, "admin/api_keys/list.html", gettext("API keys"), keys=shown)


@desk.screen("api-keys/make/", "make_api_key", MANAGE, methods=ACT)
def make_api_key(request: HttpRequest) -> HttpResponseBase:
    """Show what a key is; by POST, make one and show it once."""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _shown_once(request, make(form.wanted(), form.act_of(request), timezone.now()))
    return act_page(
        request,
        gettext("Make an API key"),
        about=gettext("API keys"),
        back=reverse("admin:api_keys"),
        will=[
            gettext("Whoever has the key can call the API with the permissions that you tick."),
            gettext("The key is shown once, on the next page. Only a digest of it is stored."),
        ],
        form=form,
        submit=gettext("Make key"),
    )


@desk.screen("api-keys/<int:pk>/rotate/", "rotate_api_key", MANAGE, methods=ACT)
def rotate_api_key(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what rotating means; by POST, give the key a new secret and show it once."""
    key, now = get_object_or_404(ApiKey, pk=pk), timezone.now()
    trouble, form = _trouble(key, now), Why(request.POST or None)
    if request.method == "POST" and not trouble and form.is_valid():
        try:
            made = rotate(key, form.act_of(request), now)
        except KeyEnded as ended:
            trouble = _ended(ended.state)
        else:
            return _shown_once(request, made)
    will = [
        gettext("The key gets a new secret, which is shown once, on the next page."),
        gettext("The secret that it has now works for another %(hours)s hours.")
        % {"hours": int(ROTATION.total_seconds() // 3600)},
    ]
    if _rotating(key, now):
        will.append(gettext("The secret before that one stops working right away."))
    return _answer(request, key, gettext("Rotate %(name)s"), will, form, gettext("Rotate key"), trouble)


@desk.screen("api-keys/<int:pk>/revoke/", "revoke_api_key", MANAGE, methods=ACT)
def revoke_api_key(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what revoking means; by POST, revoke the key."""
    key, now = get_object_or_404(ApiKey, pk=pk), timezone.now()
    trouble, form = _trouble(key, now), Why(request.POST or None)
    if request.method == "POST" and not trouble and form.is_valid():
        try:
            revoke(key, form.act_of(request), now)
        except KeyEnded as ended:
            trouble = _ended(ended.state)
        else:
            messages.success(request, gettext("The key %(name)s is revoked.") % {"name": key.name})
            return redirect("admin:api_keys")
    will = [
        gettext("Calls with this key are refused right away, also while it is rotated."),
        gettext("It can’t be undone. Make a new key if it is needed again."),
    ]
    return _answer(request, key, gettext("Revoke %(name)s"), will, form, gettext("Revoke key"), trouble)


def _answer(
    request: HttpRequest, key: ApiKey, title: str, will: list[str], form: forms.Form, submit: str, trouble: str
) -> HttpResponseBase:
    return act_page(
        request,
        title % {"name": key.name},
        about=gettext("API keys"),
        back=reverse("admin:api_keys"),
        will=() if trouble else will,
        form=None if trouble else form,
        submit=submit,
        trouble=trouble,
    )


def _shown_once(request: HttpRequest, made: Made) -> HttpResponseBase:
    """The whole key, for the only time: it is stored nowhere."""
    return desk.page(request, "admin/api_keys/shown.html", made.key.name, key=made.key, whole=made.whole)


def _rotating(key: ApiKey, now: datetime) -> bool:
    return key.previous_until is not None and now < key.previous_until


def _trouble(key: ApiKey, now: datetime) -> str:
    """Why nothing can be done with the key; empty where it is in force."""
    state = state_of(key, now)
    return "" if state is KeyState.IN_FORCE else _ended(state)


def _ended(state: KeyState) -> str:
    return gettext("The key is revoked.") if state is KeyState.REVOKED else gettext("The key has expired.")
