"""Events on their way to endpoints: the newest first, by state and endpoint, and one that failed sent again."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.act_page import Why, act_page
from scopes.admin.connection_filters import Choice, Filter
from scopes.admin.endpoints import MANAGE
from scopes.admin.id_pages import page_by_id
from scopes.admin.site import ACT, desk
from scopes.models import Endpoint, Sending
from scopes.outbox import endpoints


@desk.screen("sendings/", "sendings", MANAGE)
def sendings(request: HttpRequest) -> HttpResponseBase:
    """A page of the sendings that the filters leave. A filter that is not offered is left out."""
    offered = {str(pk): name for pk, name in Endpoint.objects.order_by("name").values_list("pk", "name")}
    state, endpoint = request.GET.get("state", ""), request.GET.get("endpoint", "")
    chosen = {
        "state": state if state in Sending.State.values else "",
        "endpoint": endpoint if endpoint in offered else "",
    }
    rows = Sending.objects.select_related("event", "endpoint")
    if chosen["state"]:
        rows = rows.filter(state=chosen["state"])
    if chosen["endpoint"]:
        rows = rows.filter(endpoint=int(chosen["endpoint"]))
    pages = page_by_id(request, rows, chosen)
    return desk.page(
        request,
        "admin/outbox/sendings.html",
        gettext("Sendings"),
        rows=pages.rows,
        pages=pages,
        filters=[
            _filter(gettext("State"), "state", dict(Sending.State.choices), chosen),
            _filter(gettext("Endpoint"), "endpoint", offered, chosen),
        ],
        any_chosen=any(chosen.values()),
    )


def _filter(title: str, name: str, offered: Mapping[str, str], chosen: Mapping[str, str]) -> Filter:
    choices = [("", gettext("All")), *offered.items()]
    return Filter(
        title,
        offered.get(chosen[name], ""),
        tuple(
            Choice(words, "?" + urlencode({**chosen, name: value}), chosen[name] == value) for value, words in choices
        ),
    )


@desk.screen("sendings/<int:pk>/replay/", "replay_sending", MANAGE, methods=ACT)
def replay(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what will happen; by POST, send one failed event again."""
    row = get_object_or_404(Sending.objects.select_related("event", "endpoint"), pk=pk)
    trouble = "" if row.state == Sending.State.FAILED else gettext("This event has not failed.")
    form = Why(request.POST or None)
    if request.method == "POST" and not trouble and form.is_valid():
        try:
            endpoints.replay(row.endpoint_id, form.act_of(request), timezone.now(), only=pk)
        except endpoints.EndpointRefused as refused:
            trouble = str(refused)
        else:
            messages.success(request, gettext("The event is sent again."))
            return redirect("admin:sendings")
    return act_page(
        request,
        gettext("Send again: %(type)s") % {"type": row.event.type},
        about=gettext("Sendings"),
        back=reverse("admin:sendings"),
        will=()
        if trouble
        else [
            gettext("It is sent to %(endpoint)s again, for three days if need be.") % {"endpoint": row.endpoint.name},
            gettext("It arrives after later events of the same connection that were delivered before."),
        ],
        form=None if trouble else form,
        submit=gettext("Send again"),
        trouble=trouble,
    )
