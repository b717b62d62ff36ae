"""Suspected duplicates and unclaimed connections, and the acts on them: merge, unmerge, mark as distinct.

Pages follow the ids over partial indexes, so each costs the same however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes import flow
from scopes.admin import opening
from scopes.admin.act_page import Why, act_page
from scopes.admin.id_pages import page_by_id
from scopes.admin.site import ACT, desk
from scopes.admin.waive import LOOK, page_of
from scopes.intake.matching import pair as pairs
from scopes.intake.matching import unmerge as unmerging
from scopes.intake.matching.merged_facts import Facts, facts_now, joined
from scopes.intake.matching.pair import CannotMerge
from scopes.intake.matching.unmerge import CannotUnmerge
from scopes.judge.duplicate_signs import Sign, last_data_on, signs, words_of_link
from scopes.judge.lookup import NOT_LISTED, NOT_LISTED_OF_PROVIDER
from scopes.models import Connection, Merge, SuspectedDuplicate

MERGE = "scopes.merge_connections"
MERGED_INTO = _("The connections were merged.")


@dataclass(frozen=True, slots=True)
class Suspected:
    """A pair that may be one, with the signs for and against it."""

    first: Connection
    second: Connection
    signs: tuple[Sign, ...]


@desk.screen("duplicates/", "duplicates", *LOOK)
def duplicates(request: HttpRequest) -> HttpResponseBase:
    """A page of the pairs that may be one connection, the newest first."""
    open_ones = SuspectedDuplicate.objects.filter(state=SuspectedDuplicate.State.OPEN)
    sides = ("person", "standing", "pulse", "integration__provider", "integration__source")
    rows = open_ones.select_related(*(f"{side}__{name}" for side in ("first", "second") for name in sides))
    rows = rows.defer(*(f"{side}__{name}" for side in ("first", "second") for name in NOT_LISTED))
    pages = page_by_id(request, rows)
    pairs = [Suspected(pair.first, pair.second, tuple(signs(pair.first, pair.second))) for pair in pages.rows]
    return desk.page(request, "admin/duplicates/list.html", gettext("Suspected duplicates"), pairs=pairs, pages=pages)


@desk.screen("unclaimed/", "unclaimed", *LOOK)
def unclaimed(request: HttpRequest) -> HttpResponseBase:
    """A page of the connections whose person is not known, the newest first."""
    unclaimed = Connection.objects.filter(person__isnull=True, merged_into__isnull=True)
    rows = unclaimed.select_related("standing", "pulse", "integration__provider", "integration__source")
    pages = page_by_id(request, rows.defer(*NOT_LISTED_OF_PROVIDER))
    listed = [(row, words_of_link(row), last_data_on(row)) for row in pages.rows]
    return desk.page(
        request, "admin/duplicates/unclaimed.html", gettext("Unclaimed connections"), rows=listed, pages=pages
    )


class WhyAndWhat(Why):
    """The reason, and which version of both connections the page showed: nothing is done about another one."""

    shown = forms.CharField(widget=forms.HiddenInput, max_length=32)


@desk.screen("connections/<int:pk>/merge/", "merge", *LOOK, MERGE, methods=ACT)
def merge(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET lets the agent choose another connection, or shows what merging with that one does; POST does it."""
    row = _connection(pk)
    words = request.GET.get("with", "").strip()
    other = _named(row, words)
    if other is None:
        trouble = (
            gettext("No connection of %(integration)s has the id “%(words)s”.")
            % {"integration": row.integration, "words": words[:120]}
            if words
            else ""
        )
        return desk.page(
            request,
            "admin/duplicates/choose.html",
            gettext("Merge with another connection"),
            row=row,
            back=page_of(row),
            trouble=trouble,
        )
    if reason_first := opening.to_explain_person(request, other.person_id, timezone.now()):
        return reason_first
    trouble = pairs.why_not(row, other)
    form = WhyAndWhat(request.POST or None, initial={"shown": pairs.version_of(row, other)})
    if request.method == "POST" and not trouble and form.is_valid():
        shown = form.cleaned_data["shown"]
        try:
            made = flow.merge(row.pk, other.pk, form.act_of(request), timezone.now(), shown=shown)
        except CannotMerge as error:
            trouble = str(error)
        else:
            messages.success(request, MERGED_INTO)
            return redirect(page_of(made.survivor))
    continuing = pairs.continuing(row, other)
    return _act(
        request,
        gettext("Merge two connections"),
        sides=[_side(row, gettext("this one")), _side(other, gettext("the other"))],
        signs=signs(row, other),
        back=page_of(row),
        will=[] if trouble else _will_merge(other if continuing.pk == row.pk else row, continuing),
        trouble=trouble,
        form=None if trouble else form,
        submit=gettext("Merge"),
    )


@desk.screen("connections/<int:pk>/distinct/<int:other>/", "mark_distinct", *LOOK, MERGE, methods=ACT)
def mark_distinct(request: HttpRequest, pk: int, other: int) -> HttpResponseBase:
    """GET shows what marking two connections as distinct means; POST does it."""
    one, two = _connection(pk), _connection(other)
    if reason_first := opening.to_explain_person(request, two.person_id, timezone.now()):
        return reason_first
    trouble = pairs.why_not(one, two)
    form = WhyAndWhat(request.POST or None, initial={"shown": pairs.version_of(one, two)})
    if request.method == "POST" and not trouble and form.is_valid():
        shown = form.cleaned_data["shown"]
        try:
            flow.mark_distinct(one.pk, two.pk, form.act_of(request), timezone.now(), shown=shown)
        except CannotMerge as error:
            trouble = str(error)
        else:
            messages.success(request, gettext("Marked as distinct."))
            return redirect("admin:duplicates")
    return _act(
        request,
        gettext("Mark as distinct"),
        sides=[_side(one, gettext("one")), _side(two, gettext("the other"))],
        signs=signs(one, two),
        back=reverse("admin:duplicates"),
        will=[
            gettext("Neither connection changes."),
            gettext("They leave the list of suspected duplicates and are never merged automatically."),
        ],
        trouble=trouble,
        form=None if trouble else form,
        submit=gettext("Mark as distinct"),
    )


@desk.screen("merges/<int:pk>/unmerge/", "unmerge", *LOOK, MERGE, methods=ACT)
def unmerge(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what undoing a merge does; POST does it."""
    record = get_object_or_404(Merge.objects.select_related("survivor", "absorbed"), pk=pk)
    survivor = _connection(record.survivor_id)
    trouble = unmerging.why_not_unmerge(record)
    form = WhyAndWhat(request.POST or None, initial={"shown": unmerging.version_of_merge(record)})
    if request.method == "POST" and not trouble and form.is_valid():
        shown = form.cleaned_data["shown"]
        try:
            flow.unmerge(record.pk, form.act_of(request), timezone.now(), shown=shown)
        except CannotUnmerge as error:
            trouble = str(error)
        else:
            messages.success(request, gettext("The merge was undone: they are two connections again."))
            return redirect(page_of(survivor))
    return _act(
        request,
        gettext("Unmerge"),
        sides=[_side(survivor, "merged")],
        signs=[],
        back=page_of(survivor),
        will=[] if trouble else _will_unmerge(record),
        trouble=trouble,
        form=None if trouble else form,
        submit=gettext("Unmerge"),
    )


def _connection(pk: int) -> Connection:
    rows = Connection.objects.select_related(
        "person", "standing", "pulse", "integration__provider", "integration__source"
    )
    return get_object_or_404(rows, pk=pk)


def _named(row: Connection, words: str) -> Connection | None:
    """The connection of the same integration by its id at the source, or any by our number."""
    if not words:
        return None
    by_id = Q(user_id=words, integration=row.integration_id)
    by_number = Q(pk=int(words)) if words.isdecimal() and len(words) < 18 else Q()
    rows = Connection.objects.filter(by_id | by_number if by_number else by_id, merged_into__isnull=True)
    found = rows.exclude(pk=row.pk).order_by("pk").first()
    return _connection(found.pk) if found else None


@dataclass(frozen=True, slots=True)
class Side:
    """One of two connections, as an act shows them."""

    title: str
    row: Connection
    link: str
    scopes: str
    last_data: Any


def _side(row: Connection, title: str) -> Side:
    reported = row.standing.reported
    scopes = (
        gettext("not reported")
        if reported is None
        else ", ".join(f"`{scope}`" for scope in reported) or gettext("none")
    )
    return Side(title, row, words_of_link(row), scopes, last_data_on(row))


def _will_merge(former: Connection, continuing: Connection) -> list[str]:
    after = joined(facts_now(former), facts_now(continuing))
    whose = former.person or continuing.person
    words = gettext("They become one connection, under the id `%(user_id)s`.")
    if whose:
        words = gettext("They become one connection of %(person)s, under the id `%(user_id)s`.")
    return [
        words % {"person": whose, "user_id": continuing.user_id},
        gettext("`%(user_id)s` becomes a former id. Later reports about it change nothing.")
        % {"user_id": former.user_id},
        *_state(after, gettext("Result")),
        gettext("Both histories are kept, and you can unmerge them later."),
    ]


def _will_unmerge(record: Merge) -> list[str]:
    after = unmerging.preview(record)
    return [
        gettext("They become two connections again, each with the reports for its own id."),
        *_state(after.survivor, f"`{record.survivor_user_id}`"),
        *_state(after.absorbed, f"`{record.absorbed_user_id}`"),
        gettext("They are not merged automatically again."),
    ]


def _state(facts: Facts, name: str) -> list[str]:
    standing = facts.standing
    scopes = gettext("unknown scopes")
    if standing.reported is not None:
        scopes = ", ".join(f"`{scope}`" for scope in sorted(standing.reported)) or gettext("no scopes")
    words = gettext("%(name)s: %(link)s, with %(scopes)s.")
    if standing.waived:
        words = gettext("%(name)s: %(link)s, with %(scopes)s. Waived: %(waived)s.")
    waived = ", ".join(f"`{need}`" for need in sorted(standing.waived))
    link = standing.link.value.replace("_", " ")
    return [words % {"name": name, "link": link, "scopes": scopes, "waived": waived}]


def _act(
    request: HttpRequest, title: str, *, sides: Sequence[Side], signs: Sequence[Sign], **shown: Any
) -> TemplateResponse:
    return act_page(
        request,
        title,
        about=str(sides[0].row.person or gettext("Connection")),
        template="admin/duplicates/act.html",
        sides=sides,
        signs=signs,
        **shown,
    )
