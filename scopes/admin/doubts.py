"""What is suspected of consent screens, and the two ends that an agent can give it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from scopes import flow
from scopes.admin.site import desk
from scopes.judge import census, lookup
from scopes.judge import doubts as judge
from scopes.judge.content import PolicyError
from scopes.judge.doubts import AlreadyEnded
from scopes.judge.policy import Act
from scopes.models import Census, Doubt

LOOK = "scopes.view_doubt"
ENDED = 50


class Why(forms.Form):
    """Why a doubt ends so."""

    reason = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="How you know, in a sentence. It is kept in the trail.",
    )
    ticket = forms.CharField(max_length=120, required=False, help_text="The ticket's number, if there is one.")


@desk.screen("doubts/", "doubts", LOOK)
def doubts(request: HttpRequest) -> HttpResponseBase:
    """The open doubts, the largest first, and the last that ended."""
    everything = Doubt.objects.select_related("integration__provider", "integration__source")
    rows = everything.filter(state=Doubt.State.OPEN).order_by("-consents", "pk")
    ended = everything.exclude(state=Doubt.State.OPEN).order_by("-ended_at", "-pk")[:ENDED]
    told = [(doubt, judge.told(doubt)) for doubt in rows]
    return desk.page(request, "admin/doubts/list.html", "Doubts", told=told, ended=ended)


@desk.screen("doubts/<int:pk>/confirm/", "confirm_doubt", LOOK, "scopes.publish_policy")
def confirm(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what confirming does; by POST, publish a policy in which the scope is not approved."""
    doubt = _doubt(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            version = flow.confirm_doubt(pk, _act(request, form.cleaned_data), timezone.now())
        except (AlreadyEnded, PolicyError) as over:
            messages.error(request, str(over))
        else:
            messages.success(request, f"Confirmed: policy {version.number} of {doubt.integration} is in force.")
        return redirect("admin:doubts")
    context = {"doubt": doubt, "told": judge.told(doubt), "form": form, "lacking": _lacking(doubt)}
    return desk.page(request, "admin/doubts/confirm.html", f"Confirm that {doubt.scope} is not offered", **context)


@desk.screen("doubts/<int:pk>/dismiss/", "dismiss_doubt", LOOK, "scopes.dismiss_doubt")
def dismiss(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what dismissing does; by POST, end the doubt."""
    doubt = _doubt(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            judge.dismiss(pk, _act(request, form.cleaned_data), timezone.now())
        except AlreadyEnded as over:
            messages.error(request, str(over))
        else:
            messages.success(request, f"The doubt about {doubt.scope} was dismissed.")
        return redirect("admin:doubts")
    context = {"doubt": doubt, "told": judge.told(doubt), "form": form}
    return desk.page(request, "admin/doubts/dismiss.html", f"Dismiss the doubt about {doubt.scope}", **context)


def _doubt(pk: int) -> Doubt:
    rows = Doubt.objects.select_related("integration__provider", "integration__source", "integration__policy_version")
    return get_object_or_404(rows, pk=pk)


def _lacking(doubt: Doubt) -> int:
    """How many connections lack the scope, of a census that is at most a minute old."""
    census.take_if_old(timezone.now())
    standings = lookup.standings_where(integration=doubt.integration_id, scope=doubt.scope)
    return Census.objects.filter(standing__in=standings).aggregate(all=Sum("connections"))["all"] or 0


def _act(request: HttpRequest, why: dict[str, Any]) -> Act:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return Act(request.user, why["reason"], why["ticket"])
