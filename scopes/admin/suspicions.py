"""What is suspected of consent screens, and the two ends that an agent can give it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from scopes import flow
from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.judge import census, lookup
from scopes.judge import suspicions as judge
from scopes.judge.content import PolicyError
from scopes.judge.suspicions import SuspicionEnded
from scopes.models import Suspicion

LOOK = "scopes.view_suspicion"
ENDED = 50


@desk.screen("suspicions/", "suspicions", LOOK)
def suspicions(request: HttpRequest) -> HttpResponseBase:
    """The open suspicions, the largest first, and the last that ended."""
    everything = Suspicion.objects.select_related("integration__provider", "integration__source")
    rows = everything.filter(state=Suspicion.State.OPEN).order_by("-consents", "pk")
    ended = everything.exclude(state=Suspicion.State.OPEN).order_by("-ended_at", "-pk")[:ENDED]
    open_ones = [(suspicion, judge.sentence_of(suspicion)) for suspicion in rows]
    return desk.page(
        request, "admin/suspicions/list.html", gettext("Suspected scope problems"), open=open_ones, ended=ended
    )


@desk.screen("suspicions/<int:pk>/confirm/", "confirm_suspicion", LOOK, "scopes.publish_policy", methods=ACT)
def confirm(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what confirming does; by POST, publish a policy in which the scope is not approved."""
    suspicion = _suspicion(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            version = flow.confirm_suspicion(pk, form.act_of(request), timezone.now())
        except (SuspicionEnded, PolicyError) as over:
            messages.error(request, str(over))
        else:
            messages.success(
                request,
                gettext("Confirmed: policy %(number)s of %(integration)s is in force.")
                % {"number": version.number, "integration": suspicion.integration},
            )
        return redirect("admin:suspicions")
    lacking = _lacking(suspicion)
    in_force = suspicion.integration.policy_version
    will = [
        gettext("A new policy for %(integration)s is published that marks `%(scope)s` as not approved.")
        % {"integration": suspicion.integration, "scope": suspicion.scope},
        gettext(
            "Where it is missing, agents see that it needs approval in the provider’s console. No link is offered."
        ),
        ngettext(
            "In the last audit it was missing on %(number)s connection.",
            "In the last audit it was missing on %(number)s connections.",
            lacking,
        )
        % {"number": f"{lacking:,}"},
    ]
    if in_force is not None and in_force.content["approved"] is None:
        will.append(
            gettext(
                "So far no approvals are recorded: everything else that we request or need will "
                "be recorded as approved."
            )
        )
    return _end(
        request,
        suspicion,
        gettext("Confirm that %(scope)s is not offered") % {"scope": suspicion.scope},
        will,
        form,
        gettext("Confirm and publish"),
    )


@desk.screen("suspicions/<int:pk>/dismiss/", "dismiss_suspicion", LOOK, "scopes.dismiss_suspicion", methods=ACT)
def dismiss(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what dismissing does; by POST, end the suspicion."""
    suspicion = _suspicion(pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            judge.dismiss(pk, form.act_of(request), timezone.now())
        except SuspicionEnded as over:
            messages.error(request, str(over))
        else:
            messages.success(
                request, gettext("The suspected problem with %(scope)s was dismissed.") % {"scope": suspicion.scope}
            )
        return redirect("admin:suspicions")
    will = [gettext("It is hidden and not raised again for 30 days.")]
    return _end(
        request,
        suspicion,
        gettext("Dismiss the suspected problem with %(scope)s") % {"scope": suspicion.scope},
        will,
        form,
        gettext("Dismiss"),
    )


def _end(
    request: HttpRequest, suspicion: Suspicion, title: str, will: list[str], form: Why, submit: str
) -> HttpResponseBase:
    """The page of either end; without its form where the suspicion has ended."""
    is_open = suspicion.state == Suspicion.State.OPEN
    finding = gettext("%(provider)s, `%(scope)s`: %(finding)s") % {
        "provider": suspicion.integration.provider.name,
        "scope": suspicion.scope,
        "finding": judge.sentence_of(suspicion),
    }
    return act_page(
        request,
        title,
        about=gettext("Suspected scope problems"),
        back=reverse("admin:suspicions"),
        will=[finding, *will] if is_open else (),
        form=form if is_open else None,
        submit=submit,
        trouble="" if is_open else str(SuspicionEnded(suspicion)),
    )


def _suspicion(pk: int) -> Suspicion:
    rows = Suspicion.objects.select_related(
        "integration__provider", "integration__source", "integration__policy_version"
    )
    return get_object_or_404(rows, pk=pk)


def _lacking(suspicion: Suspicion) -> int:
    """How many connections lack the scope, of a census that is at most a minute old."""
    census.take_if_old(timezone.now())
    return lookup.counted(lookup.standings_where(integration=suspicion.integration_id, scope=suspicion.scope))
