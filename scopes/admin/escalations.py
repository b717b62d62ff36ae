"""What engineers are asked to change: the texts about what a link can't fix, and each escalation with its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import LONGEST_REASON, Why, act_page, agent_of
from scopes.admin.site import ACT, desk
from scopes.admin.waive import LOOK, about, page_of
from scopes.judge import census, escalation, lookup
from scopes.judge.escalation import Affected, Where, wanted
from scopes.judge.person import ConnectionOverview, overviews_of
from scopes.models import Connection, Escalation
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

VIEW = "scopes.view_escalation"
ANSWER = "scopes.answer_escalation"
ENDED = 50
SHOWN_AFTERWARDS = timedelta(days=30)
OPEN = (Escalation.State.OPEN, Escalation.State.TAKEN)


class Ended(Exception):
    """The escalation was answered already; the message says so."""

    def __init__(self) -> None:
        super().__init__(gettext("This escalation was answered already."))


class AnswerForm(forms.Form):
    """What came of it."""

    state = forms.ChoiceField(
        label=_("Result"), choices=[(Escalation.State.DONE, _("Done")), (Escalation.State.DECLINED, _("Declined"))]
    )
    answer = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What agents can say to the person now. Name no person."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


def of_connection(connection: Connection) -> tuple[escalation.Escalation, ...]:
    """The texts about one connection, each with its escalation."""
    return of_connections(overviews_of([connection])).get(connection.pk, ())


def of_connections(entries: Sequence[ConnectionOverview]) -> dict[int, tuple[escalation.Escalation, ...]]:
    """Connection -> its texts with their escalations; four queries at most, however many connections."""
    concerned = [entry for entry in entries if wanted(entry.explanation)]
    if not concerned:
        return {}
    counts = lookup.affected(entry.connection.integration_id for entry in concerned)
    counted_at = census.taken_at()
    made = _made({entry.connection.integration_id for entry in concerned})
    return {
        entry.connection.pk: tuple(
            replace(text, made=made.get((entry.connection.integration_id, text.what)))
            for text in escalation.escalations(
                entry.explanation,
                Where(
                    connection=entry.connection.pk,
                    kind=entry.connection.integration.source.kind,
                    name=entry.connection.integration.source.name,
                    provider=entry.provider,
                ),
                Affected(counts.get(entry.connection.integration_id, {}), counted_at),
            )
        )
        for entry in concerned
    }


def _made(integrations: set[int]) -> dict[tuple[int, str], Escalation]:
    """(integration, what) -> its newest escalation that is open or was answered in the last month."""
    recent = Q(state__in=OPEN) | Q(ended_at__gt=timezone.now() - SHOWN_AFTERWARDS)
    rows = Escalation.objects.filter(recent, integration__in=integrations).order_by("created_at", "pk")
    return {(row.integration_id, row.what): row for row in rows}


@desk.screen("connections/<int:pk>/escalate/", "escalate", *LOOK, "scopes.escalate", methods=ACT)
def escalate(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows the text about what the address names; POST gives it to the engineers."""
    row = get_object_or_404(Connection.objects.filter(merged_into__isnull=True), pk=pk)
    (entry,) = overviews_of([row])
    texts = of_connections([entry]).get(pk, ())
    text = next((one for one in texts if one.what == request.GET.get("what", "")), None)
    if text is None:
        raise Http404
    trouble = gettext("It is escalated already.") if text.made and text.made.state in OPEN else ""
    form = Why(request.POST or None)
    if request.method == "POST" and not trouble and form.is_valid():
        try:
            make(entry.connection, text, form.act_of(request), timezone.now())
        except IntegrityError:
            trouble = gettext("It is escalated already.")
        else:
            messages.success(request, gettext("Escalated. Its state is on this page."))
            return redirect(page_of(entry.connection))
    return act_page(
        request,
        gettext("Escalate to engineering: %(title)s") % {"title": text.title},
        about=about(entry.connection),
        back=page_of(entry.connection),
        will=[
            gettext("Engineers see this text in the list of escalations. It names no person:"),
            text.text,
            gettext("Its state is shown with every connection that it concerns."),
        ],
        form=None if trouble else form,
        submit=gettext("Escalate"),
        trouble=trouble,
    )


@desk.screen("escalations/", "escalations", VIEW)
def escalations(request: HttpRequest) -> HttpResponseBase:
    """The open escalations, the oldest first, and the last that were answered."""
    everything = Escalation.objects.select_related("integration__provider", "integration__source")
    return desk.page(
        request,
        "admin/escalations/list.html",
        gettext("Escalations"),
        open=everything.filter(state__in=OPEN).order_by("created_at", "pk"),
        ended=everything.exclude(state__in=OPEN).order_by("-ended_at", "-pk")[:ENDED],
    )


@desk.screen("escalations/<int:pk>/", "escalation", VIEW, methods=ACT)
def one(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One escalation. POST takes it, or answers it."""
    row = get_object_or_404(Escalation.objects.select_related("integration__provider", "integration__source"), pk=pk)
    form = AnswerForm(request.POST if "answer" in request.POST else None)
    if request.method == "POST":
        if not request.user.has_perm(ANSWER):
            raise PermissionDenied
        act, now = Act(agent_of(request)), timezone.now()
        try:
            if "answer" not in request.POST:
                take(row, act, now)
                return redirect("admin:escalation", pk)
            if form.is_valid():
                answer(row, form.cleaned_data["state"], form.cleaned_data["answer"], act, now)
                return redirect("admin:escalations")
        except Ended as ended:
            messages.error(request, str(ended))
            return redirect("admin:escalation", pk)
    return desk.page(
        request,
        "admin/escalations/one.html",
        row.title,
        escalation=row,
        form=form if row.state in OPEN and request.user.has_perm(ANSWER) else None,
        mine=row.engineer == agent_of(request).get_username(),
        back=reverse("admin:escalations"),
    )


@in_transaction
def make(row: Connection, text: escalation.Escalation, act: Act, now: datetime) -> Escalation:
    """A new escalation of this text, about the connection. Raises IntegrityError where an open one is there."""
    made = Escalation.objects.create(
        integration_id=row.integration_id,
        connection=row,
        what=text.what,
        title=text.title,
        text=text.text,
        author=act.name,
        reason=act.reason,
        ticket=act.ticket,
        created_at=now,
    )
    _note("escalation.made", made, act, now)
    return made


@in_transaction
def take(row: Escalation, act: Act, now: datetime) -> None:
    """The engineer has it from now on, also where another had it. Raises Ended."""
    if not Escalation.objects.filter(pk=row.pk, state__in=OPEN).update(
        state=Escalation.State.TAKEN, engineer=act.name, taken_at=now
    ):
        raise Ended
    _note("escalation.taken", row, act, now)


@in_transaction
def answer(row: Escalation, state: str, words: str, act: Act, now: datetime) -> None:
    """End it with an answer; it is then the engineer's who answers. Raises Ended."""
    if not Escalation.objects.filter(pk=row.pk, state__in=OPEN).update(
        state=state, answer=words, ended_at=now, engineer=act.name, taken_at=row.taken_at or now
    ):
        raise Ended
    _note(f"escalation.{state}", row, replace(act, reason=words), now)


def _note(verb: str, row: Escalation, act: Act, now: datetime) -> None:
    act.entry(
        verb, now, integration_id=row.integration_id, connection_id=row.connection_id, subject=row.title[:200]
    ).save()
