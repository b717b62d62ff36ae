"""What is suspected of consent screens, and the two ends that an agent can give it."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from scopes import flow
from scopes.admin.site import ACT, desk
from scopes.admin.why import Why, act_page
from scopes.judge import census, lookup
from scopes.judge import doubts as judge
from scopes.judge.content import PolicyError
from scopes.judge.doubts import AlreadyEnded
from scopes.models import Census, Doubt

LOOK = "scopes.view_doubt"
ENDED = 50


@desk.screen("doubts/", "doubts", LOOK)
def doubts(request: HttpRequest) -> HttpResponseBase:
    """The open doubts, the largest first, and the last that ended."""
    everything = Doubt.objects.select_related("integration__provider", "integration__source")
    rows = everything.filter(state=Doubt.State.OPEN).order_by("-consents", "pk")
    ended = everything.exclude(state=Doubt.State.OPEN).order_by("-ended_at", "-pk")[:ENDED]
    told = [(doubt, judge.told(doubt)) for doubt in rows]
    return desk.page(request, "admin/doubts/list.html", "Doubts", told=told, ended=ended)


@desk.screen("doubts/<int:pk>/confirm/", "confirm_doubt", LOOK, "scopes.publish_policy", methods=ACT)
def confirm(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what confirming does; by POST, publish a policy in which the scope is not approved."""
    doubt = _doubt(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            version = flow.confirm_doubt(pk, form.act_of(request), timezone.now())
        except (AlreadyEnded, PolicyError) as over:
            messages.error(request, str(over))
        else:
            messages.success(request, f"Confirmed: policy {version.number} of {doubt.integration} is in force.")
        return redirect("admin:doubts")
    lacking = _lacking(doubt)
    in_force = doubt.integration.policy_version
    will = [
        f"A new policy of {doubt.integration} is published, in which `{doubt.scope}` is not approved.",
        "Whoever lacks it is told to have it approved in the provider’s console, and no link is sent for it.",
        f"In the last count that was {lacking:,} connection{'' if lacking == 1 else 's'}.",
    ]
    if in_force is not None and in_force.content["approved"] is None:
        will.append(
            "Until now nobody has written down what is approved: all else that we request or need counts as approved"
            " from then on."
        )
    return _end(request, doubt, f"Confirm that {doubt.scope} is not offered", will, form, "Confirm and publish")


@desk.screen("doubts/<int:pk>/dismiss/", "dismiss_doubt", LOOK, "scopes.dismiss_doubt", methods=ACT)
def dismiss(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what dismissing does; by POST, end the doubt."""
    doubt = _doubt(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            judge.dismiss(pk, form.act_of(request), timezone.now())
        except AlreadyEnded as over:
            messages.error(request, str(over))
        else:
            messages.success(request, f"The doubt about {doubt.scope} was dismissed.")
        return redirect("admin:doubts")
    will = ["It is no longer shown, and not raised again for 30 days: by then other people have consented."]
    return _end(request, doubt, f"Dismiss the doubt about {doubt.scope}", will, form, "Dismiss it")


def _end(request: HttpRequest, doubt: Doubt, title: str, will: list[str], form: Why, submit: str) -> HttpResponseBase:
    """The page of either end; without its form where the doubt has ended."""
    is_open = doubt.state == Doubt.State.OPEN
    told = f"Of {doubt.integration.provider.name}’s `{doubt.scope}`, {judge.told(doubt)}"
    return act_page(
        request,
        title,
        about="Doubts",
        back=reverse("admin:doubts"),
        will=[told, *will] if is_open else (),
        form=form if is_open else None,
        submit=submit,
        trouble="" if is_open else str(AlreadyEnded(doubt)),
    )


def _doubt(pk: int) -> Doubt:
    rows = Doubt.objects.select_related("integration__provider", "integration__source", "integration__policy_version")
    return get_object_or_404(rows, pk=pk)


def _lacking(doubt: Doubt) -> int:
    """How many connections lack the scope, of a census that is at most a minute old."""
    census.take_if_old(timezone.now())
    standings = lookup.standings_where(integration=doubt.integration_id, scope=doubt.scope)
    return Census.objects.filter(standing__in=standings).aggregate(all=Sum("connections"))["all"] or 0
