"""What is done with a campaign: draft one from a selection or from filters, start, pause and end it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from scopes import queue
from scopes.admin import campaign_words as words
from scopes.admin.act_page import Why, act_page
from scopes.admin.connection_filters import PARAMETERS
from scopes.admin.connections import RUN, SELECT, chosen_in, found_by
from scopes.admin.send_link import LIFETIMES
from scopes.admin.site import ACT, desk
from scopes.admin.tags import thousands
from scopes.channels import addresses
from scopes.models import Campaign, Connection
from scopes.reauth.campaigns import acts, audience, numbers, sending
from scopes.reauth.campaigns.acts import MOST_SELECTED, CannotRun, Plan
from scopes.reauth.issue import DAYS

LOOK = ("scopes.view_campaign", "scopes.view_person", "scopes.view_connection")
AN_HOUR = 1000
FASTEST = 1_000_000
SECONDS_AT_ONCE = 3

ACTS: Mapping[str, Callable[..., object]] = {
    "start": acts.start,
    "pause": acts.pause,
    "end": acts.end,
    "again": sending.send_uncertain_again,
}


class CampaignForm(Why):
    """What the agent decides about a campaign."""

    name = forms.CharField(max_length=120, help_text=_("What the campaign is called in the list."))
    language = forms.ChoiceField(
        choices=lambda: [("", gettext("Each person’s own")), *settings.LANGUAGES], required=False
    )
    days = forms.TypedChoiceField(label=_("Links work for"), choices=list(LIFETIMES.items()), coerce=int, initial=DAYS)
    per_hour = forms.IntegerField(
        label=_("Links an hour"),
        min_value=1,
        max_value=FASTEST,
        initial=AN_HOUR,
        help_text=_("At most so many, so that support can answer the questions that come back."),
    )

    field_order: tuple[str, ...] = ("name", "language", "days", "per_hour", "reason", "ticket")


@desk.screen("campaigns/new/", "draft_campaign", *LOOK, methods=ACT)
def draft(request: HttpRequest) -> HttpResponseBase:
    """GET shows whom the campaign would be for; POST drafts it, and sends nothing."""
    selected = _selected(request)
    chosen = {} if selected else {name: value for name, value in chosen_in(request).items() if value}
    if not request.user.has_perm(RUN if chosen else SELECT):
        raise PermissionDenied
    total = len(selected) if selected else _matching(chosen)
    title = gettext("Links for %(connections)s") % {"connections": _connections(total)}
    form = CampaignForm(request.POST or None, initial={"name": words.rule_words(chosen) if chosen else title})
    if total and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        plan = Plan(data["name"], data["days"], data["per_hour"], data["language"], chosen, selected)
        campaign = acts.draft(plan, form.act_of(request), timezone.now())
        begin(campaign, total)
        return redirect("admin:campaign", campaign.pk)
    return act_page(
        request,
        title,
        about=gettext("Connections"),
        back=reverse("admin:connections"),
        will=[
            gettext(
                "Each connection is checked first: whether a link can fix it, and whether the person may be contacted."
            ),
            gettext("You see the result with its numbers, and what people will read, before anything is sent."),
            gettext("Nothing is sent until the campaign is started."),
        ],
        form=form if total else None,
        submit=gettext("Check them"),
        trouble="" if total else _no_audience(chosen),
    )


@desk.screen("campaigns/<int:pk>/do/<str:act>/", "change_campaign", *LOOK, methods=ACT)
def change(request: HttpRequest, pk: int, act: str) -> HttpResponseBase:
    """Show what starting, pausing or ending the campaign does; by POST, do it."""
    campaign = get_object_or_404(Campaign, pk=pk)
    if act not in ACTS:
        raise Http404
    groups = numbers.groups_of(campaign)
    if not (may_run(request, campaign, groups.total) if act != "again" else request.user.has_perm(RUN)):
        raise PermissionDenied
    form = Why(request.POST or None, initial={"reason": campaign.reason if act == "start" else ""})
    trouble = ""
    if act in ("start", "again") and not settings.MAIL_FROM:
        trouble = gettext("No e-mail is sent from here yet: an engineer has to set it up (docs/mail.md).")
    elif request.method == "POST" and form.is_valid():
        try:
            ACTS[act](campaign, form.act_of(request), timezone.now())
        except CannotRun as problem:
            trouble = str(problem)
        else:
            if act == "start":
                _wake(campaign)
            messages.success(request, _DONE[act] % {"name": campaign.name})
            return redirect("admin:campaign", pk)
    return act_page(
        request,
        _TITLES[act] % {"name": campaign.name},
        about=campaign.name,
        back=reverse("admin:campaign", args=[pk]),
        will=_will(act, campaign, groups),
        form=None if trouble else form,
        submit=_SUBMIT[act],
        trouble=trouble,
    )


def may_run(request: HttpRequest, campaign: Campaign, total: int) -> bool:
    """Whether this agent may start, pause and end it: leads all of them, agents a selection of at most 50."""
    if request.user.has_perm(RUN):
        return True
    small = campaign.kind == Campaign.Kind.SELECTION and total <= MOST_SELECTED
    return small and request.user.has_perm(SELECT)


def _selected(request: HttpRequest) -> list[int]:
    """The connections that were ticked, or all of the people who were. Raises BadRequest for more than 50, or no id."""
    named, people = _ids(request.GET.getlist("connection")), _ids(request.GET.getlist("person"))
    rows = Connection.objects.filter(Q(pk__in=named) | Q(person__in=people), merged_into__isnull=True)
    return list(rows.order_by("pk").values_list("pk", flat=True)) if named or people else []


def _ids(named: Sequence[str]) -> list[int]:
    if len(named) > MOST_SELECTED or not all(one.isdecimal() and len(one) < 18 for one in named):
        raise BadRequest(gettext("At most 50 can be selected."))
    return [int(one) for one in named]


def _matching(chosen: Mapping[str, str]) -> int:
    """How many connections the filters find; without a filter, none are meant."""
    return found_by({**dict.fromkeys(PARAMETERS, ""), **chosen})[1] if chosen else 0


def _no_audience(chosen: Mapping[str, str]) -> str:
    if chosen:
        return gettext("No connections match these filters.")
    return gettext("Select at least one connection in the list, or filter it.")


def begin(campaign: Campaign, total: int) -> None:
    """Check a small audience at once, a large one in the background."""
    if total <= audience.BATCH:
        ends = time.monotonic() + SECONDS_AT_ONCE
        sending.go_on(campaign, timezone.now, lambda: time.monotonic() < ends, limits())
    _wake(campaign)


def limits() -> audience.Limits:
    """What the settings say about links and addresses."""
    keys = addresses.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return audience.Limits(settings.PORTAL_LINKS_A_MONTH, keys)


def _wake(campaign: Campaign) -> None:
    with suppress(queue.QueueError):  # the minute's own job finds it
        queue.defer("run_campaign", campaign=campaign.pk)


def _will(act: str, campaign: Campaign, groups: numbers.Groups) -> list[str]:
    waiting = groups.by_state.get("waiting", 0)
    left_out = sum(groups.by_obstacle.values())
    if act == "pause":
        return [
            gettext("No more links are created until the campaign is started again."),
            gettext("Links that were created go on working, and their messages are sent."),
        ]
    if act == "again":
        return [
            gettext(
                "Another mail is sent for each link that works, where it is not known whether the last one was sent."
            ),
            gettext("Some people may get two mails. The links in both work."),
        ]
    if act == "end":
        return [
            ngettext(
                "%(number)s person who still waits gets no link.",
                "%(number)s people who still wait get no link.",
                waiting,
            )
            % {"number": thousands(waiting)},
            gettext("The campaign can’t be started again. Links that were created go on working."),
        ]
    return [
        ngettext(
            "%(number)s person gets a link by e-mail, at most %(pace)s an hour.",
            "%(number)s people get a link by e-mail, at most %(pace)s an hour.",
            waiting,
        )
        % {"number": thousands(waiting), "pace": thousands(campaign.per_hour)},
        gettext("Each is checked again at their turn: who is fixed by then, or must not be contacted, gets none."),
        ngettext(
            "%(number)s connection is left out; the page of the campaign says why.",
            "%(number)s connections are left out; the page of the campaign says why.",
            left_out,
        )
        % {"number": thousands(left_out)},
    ]


def _connections(number: int) -> str:
    return ngettext("%(number)s connection", "%(number)s connections", number) % {"number": thousands(number)}


_TITLES: Mapping[str, Any] = {
    "start": _("Start “%(name)s”"),
    "pause": _("Pause “%(name)s”"),
    "end": _("End “%(name)s”"),
    "again": _("Send uncertain mails of “%(name)s” again"),
}
_SUBMIT: Mapping[str, Any] = {"start": _("Start"), "pause": _("Pause"), "end": _("End"), "again": _("Send again")}
_DONE: Mapping[str, Any] = {
    "start": _("“%(name)s” is started."),
    "pause": _("“%(name)s” is paused."),
    "end": _("“%(name)s” is ended."),
    "again": _("The uncertain mails of “%(name)s” are queued again."),
}
