"""Save what is chosen in the list of connections under a name, for oneself or for everyone, and remove it again."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.act_page import agent_of
from scopes.admin.connection_filters import address_of, read_order
from scopes.admin.connections import LOOK, chosen_in
from scopes.admin.refused import refusal
from scopes.admin.site import desk
from scopes.models import SavedFilter
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

SHARE = "scopes.share_filter"


class SaveForm(forms.Form):
    """The name of a filter, and whether everyone sees it."""

    name = forms.CharField(max_length=60)
    shared = forms.BooleanField(required=False)


@desk.screen("connections/filters/save/", "save_filter", *LOOK, methods=("POST",))
def save_filter(request: HttpRequest) -> HttpResponseBase:
    """Save what is chosen in the address under a name; one of the same name is replaced."""
    chosen = chosen_in(request)
    address = address_of(chosen, read_order(request.GET.get("order", ""), chosen))
    form = SaveForm(request.POST)
    if not any(chosen.values()) or not form.is_valid():
        messages.error(request, gettext("Not saved: a filter needs a name of at most 60 characters."))
    else:
        shared = form.cleaned_data["shared"]
        if shared and not request.user.has_perm(SHARE):
            raise refusal([SHARE])
        _save(Act(agent_of(request)), form.cleaned_data["name"], address[1:], shared=shared)
        messages.success(request, gettext("Saved. You find it under “Saved filters”."))
    return redirect(reverse("admin:connections") + address)


@desk.screen("connections/filters/<int:pk>/remove/", "remove_filter", *LOOK, methods=("POST",))
def remove_filter(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Remove a filter of one's own; or a shared one, for who may share."""
    agent = agent_of(request)
    mine = Q(owner=agent) | Q(owner__isnull=True) if agent.has_perm(SHARE) else Q(owner=agent)
    _remove(Act(agent), get_object_or_404(SavedFilter.objects.filter(mine), pk=pk))
    messages.success(request, gettext("The saved filter is removed."))
    return redirect("admin:connections")


@in_transaction
def _save(act: Act, name: str, query: str, *, shared: bool) -> None:
    now = timezone.now()
    SavedFilter.objects.update_or_create(
        owner=None if shared else act.author,
        name=name,
        defaults={"query": query, "author": act.name, "saved_at": now},
    )
    if shared:
        act.entry("filter.shared", now, subject=name, detail={"query": query}).save()


@in_transaction
def _remove(act: Act, saved: SavedFilter) -> None:
    if saved.owner_id is None:
        act.entry("filter.removed", timezone.now(), subject=saved.name, detail={"query": saved.query}).save()
    saved.delete()
