"""Respect a person's "no" to one need for a while, and end that: each shows first what will happen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes import flow
from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.admin.tags import health_word, in_sentence
from scopes.intake.recording.waivers import DAYS, LONGEST_DAYS, CannotWaive, WaiverEnded
from scopes.judge import verdicts
from scopes.judge.cards import may_be_waived
from scopes.judge.person import ConnectionOverview, overviews_of
from scopes.judge.rules import judge, need_key
from scopes.judge.sentences import ExplainedLine
from scopes.judge.standing import facts_of
from scopes.models import Connection, Waiver

LOOK = ("scopes.view_person", "scopes.view_connection")
WAIVE = "scopes.waive"


class WaiveForm(Why):
    """Why, and until when."""

    until = forms.DateField(
        label=_("Until"), help_text=format_lazy(_("At most one year. Usually {days} days."), days=DAYS)
    )

    field_order = ("until", "reason", "ticket")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.now().date()
        latest = today + timedelta(days=LONGEST_DAYS)
        limits = {"type": "date", "min": f"{today + timedelta(days=1):%Y-%m-%d}", "max": f"{latest:%Y-%m-%d}"}
        self.fields["until"].widget = forms.DateInput(attrs=limits, format="%Y-%m-%d")
        self.fields["until"].initial = today + timedelta(days=DAYS)


@desk.screen("connections/<int:pk>/waive/", "waive", *LOOK, WAIVE, methods=ACT)
def waive(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what respecting the "no" to the need in the address means; POST does it."""
    row = get_object_or_404(Connection.objects.filter(merged_into__isnull=True), pk=pk)
    (entry,) = overviews_of([row])
    need = request.GET.get("need", "")
    line = next((line for line in entry.explanation.lines if need_key(line.scopes) == need), None)
    if line is None:
        raise Http404
    trouble = "" if may_be_waived(line) else gettext("The person didn’t decline this, so it can’t be waived.")
    form = WaiveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        until = form.cleaned_data["until"]
        try:
            flow.waive(row, need, until, form.act_of(request), timezone.now())
        except CannotWaive as error:
            trouble = str(error)
        else:
            messages.success(
                request,
                gettext("%(label)s is waived until %(until)s.") % {"label": line.label, "until": f"{until:%-d %b %Y}"},
            )
            return redirect(page_of(entry.connection))
    may = may_be_waived(line)
    return act_page(
        request,
        gettext("Waive %(label)s") % {"label": in_sentence(line.label)},
        about=about(entry.connection),
        back=page_of(entry.connection),
        will=_will(entry, line) if may else (),
        trouble=trouble,
        form=form if may else None,
        submit=gettext("Waive"),
    )


@desk.screen("waivers/<int:pk>/end/", "end_waiver", *LOOK, WAIVE, methods=ACT)
def end_waiver(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what ending it means; POST does it."""
    waiver = get_object_or_404(Waiver.objects.select_related("connection__person"), pk=pk)
    trouble = gettext("This waiver has already ended.") if waiver.ended_at else ""
    form = Why(request.POST or None)
    if request.method == "POST" and not trouble and form.is_valid():
        try:
            flow.end_waiver(waiver, form.act_of(request), timezone.now())
        except WaiverEnded as error:
            trouble = str(error)
        else:
            messages.success(request, gettext("The waiver has ended: the scope counts as missing again."))
            return redirect(page_of(waiver.connection))
    return act_page(
        request,
        gettext("End a waiver"),
        about=about(waiver.connection),
        back=page_of(waiver.connection),
        will=[
            gettext("The waiver for `%(need)s` (until %(until)s) ends now.")
            % {"need": waiver.need, "until": f"{waiver.until:%-d %b %Y}"},
            gettext(
                "If the scope is still missing, it counts as missing right away, and agents can send a link for it."
            ),
        ],
        trouble=trouble,
        form=None if trouble else form,
        submit=gettext("End waiver"),
    )


def page_of(connection: Connection) -> str:
    """The page on which the connection is shown."""
    if connection.person_id is None:
        return reverse("admin:connection", args=[connection.pk])
    return reverse("admin:person", args=[connection.person_id])


def about(connection: Connection) -> str:
    """Whose connection it is, in words."""
    return str(connection.person) if connection.person else gettext("Unclaimed connection")


def _will(entry: ConnectionOverview, line: ExplainedLine) -> list[str]:
    """What happens if the person's "no" to the need is respected."""
    row = entry.connection
    facts = facts_of([row.standing_id])[row.standing_id]
    waived = facts._replace(waived=facts.waived | {need_key(line.scopes)})
    requested = verdicts.requested_by([facts.consent_version]).get(facts.consent_version or 0)
    after = judge(waived, verdicts.policy_of(entry.policy), requested).health
    before = entry.explanation.health
    change = (
        gettext("stays %(health)s: something else is missing or broken too")
        % {"health": health_word(before.value).lower()}
        if after is before
        else gettext("goes from %(before)s to %(after)s")
        % {"before": health_word(before.value).lower(), "after": health_word(after.value).lower()}
    )
    return [
        f"{entry.provider.name} {change}.",
        gettext("Features that stay off: %(features)s.") % {"features": ", ".join(line.features) or line.label},
        gettext("Agents can’t send a link for this until the waiver ends."),
    ]
