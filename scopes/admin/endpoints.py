"""Endpoints of events: where events go, how they fare there, and what engineers do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.models import Endpoint, Sending, Source
from scopes.models.trail import Act
from scopes.outbox import endpoints, event_types, signing
from scopes.outbox.address import LONGEST, AddressRefused

MANAGE = "scopes.manage_endpoints"


class EndpointForm(Why):
    """A new endpoint, and why."""

    name = forms.CharField(max_length=80, help_text=_("As it is called in the activity log."))
    url = forms.CharField(label=_("Address"), max_length=LONGEST, help_text=_("An https address outside our network."))
    types = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(one, one) for one in event_types.TYPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all."),
    )
    sources = forms.ModelMultipleChoiceField(
        Source.objects.order_by("key"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all."),
    )

    field_order = ("name", "url", "types", "sources", "reason", "ticket")


@dataclass(frozen=True, slots=True)
class _Deed:
    """Something that is done to an endpoint: its words, what will happen, and the function that does it."""

    title: str | Promise
    will: tuple[str | Promise, ...]
    done: str | Promise
    do: Callable[[int, Act], object]


_DEEDS = {
    "disable": _Deed(
        _("Disable"),
        (
            _("Nothing more is sent there, and what happens meanwhile is not written for it."),
            _("What waits is kept for three months."),
        ),
        _("The endpoint is disabled."),
        lambda pk, act: endpoints.disable(pk, act, timezone.now()),
    ),
    "enable": _Deed(
        _("Enable"),
        (_("What still waits is sent first, then what happens from now on."),),
        _("The endpoint is enabled."),
        lambda pk, act: endpoints.enable(pk, act, timezone.now()),
    ),
    "test": _Deed(
        _("Send a test event"),
        (_("An event of the type `endpoint.test` goes to this endpoint alone."),),
        _("The test event is on its way. The list of sendings shows what came of it."),
        lambda pk, act: endpoints.send_test(pk, act, timezone.now()),
    ),
    "replay": _Deed(
        _("Send again what failed"),
        (
            _("All events that failed at this endpoint are sent again, in order for each connection."),
            _("They arrive after later events that were delivered before; their time says when they happened."),
        ),
        _("The failed events are sent again."),
        lambda pk, act: endpoints.replay(pk, act, timezone.now()),
    ),
}


@desk.screen("endpoints/", "endpoints", MANAGE)
def endpoint_list(request: HttpRequest) -> HttpResponseBase:
    """All endpoints, each with how many sendings it has in which state."""
    counted: dict[int, dict[str, int]] = {}
    for row in Sending.objects.values("endpoint", "state").annotate(number=Count("pk")).order_by():
        counted.setdefault(row["endpoint"], {})[row["state"]] = row["number"]
    found = Endpoint.objects.prefetch_related("sources").order_by("name")
    return desk.page(
        request,
        "admin/outbox/endpoints.html",
        gettext("Endpoints"),
        endpoints=[(row, counted.get(row.pk, {})) for row in found],
    )


@desk.screen("endpoints/new/", "make_endpoint", MANAGE, methods=ACT)
def make(request: HttpRequest) -> HttpResponseBase:
    """The form of a new endpoint; by POST, it is made, and its secret is shown."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            made, secret = endpoints.make(
                wanted["name"],
                wanted["url"],
                form.act_of(request),
                _key(),
                timezone.now(),
                types=wanted["types"],
                sources=wanted["sources"],
                loopback=settings.EVENTS_TO_LOOPBACK,
            )
        except AddressRefused as refused:
            form.add_error("url", str(refused).capitalize() + ".")
        except endpoints.EndpointRefused as refused:
            form.add_error("name", str(refused))
        else:
            return _secret_page(request, made, secret)
    return act_page(
        request,
        gettext("New endpoint"),
        about=gettext("Endpoints"),
        back=reverse("admin:endpoints"),
        will=[gettext("Events from now on are sent to this address, signed. The secret is shown once.")],
        form=form,
        submit=gettext("Make it"),
    )


@desk.screen("endpoints/<int:pk>/rotate/", "rotate_endpoint", MANAGE, methods=ACT)
def rotate(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what rotating means; by POST, show the new secret, once."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    form, trouble = Why(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = endpoints.rotate(pk, form.act_of(request), _key(), timezone.now())
        except endpoints.EndpointRefused as refused:
            trouble = str(refused)
        else:
            return _secret_page(request, endpoint, secret)
    will = [gettext("A new secret signs from now on, and for a day the one before signs as well.")]
    return _act(request, endpoint, gettext("Rotate the secret"), will, form, trouble)


@desk.screen("endpoints/<int:pk>/<slug:deed>/", "change_endpoint", MANAGE, methods=ACT)
def change(request: HttpRequest, pk: int, deed: str) -> HttpResponseBase:
    """Show what will happen; by POST, do it."""
    if deed not in _DEEDS:
        raise Http404
    chosen, endpoint = _DEEDS[deed], get_object_or_404(Endpoint, pk=pk)
    form, trouble = Why(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            chosen.do(pk, form.act_of(request))
        except endpoints.EndpointRefused as refused:
            trouble = str(refused)
        else:
            messages.success(request, str(chosen.done))
            return redirect("admin:endpoints")
    return _act(request, endpoint, str(chosen.title), list(map(str, chosen.will)), form, trouble)


def _act(
    request: HttpRequest, endpoint: Endpoint, title: str, will: list[str], form: Why, trouble: str, **more: Any
) -> HttpResponseBase:
    return act_page(
        request,
        f"{title}: {endpoint.name}",
        about=gettext("Endpoints"),
        back=reverse("admin:endpoints"),
        will=() if trouble else will,
        form=None if trouble else form,
        submit=title,
        trouble=trouble,
        **more,
    )


def _secret_page(request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponseBase:
    return desk.page(
        request, "admin/outbox/secret.html", gettext("The secret of the endpoint"), endpoint=endpoint, secret=secret
    )


def _key() -> bytes:
    return signing.keys_from(settings.SECRET_KEY)[0]
