"""Who saw whom: the access log by agent, kind, person and day, whom a list showed, and all of it as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes.access_log import CONNECTION, LIST, PERSON, TOKEN, VERBS, note_exported
from scopes.admin.act_page import Why, act_page
from scopes.admin.connection_filters import Choice, Filter
from scopes.admin.csv_file import Cell, download
from scopes.admin.id_pages import number, page_by_id
from scopes.admin.navigation import title_of
from scopes.admin.site import ACT, desk
from scopes.judge.lookup import NOT_LISTED_OF_PERSON, NOT_LISTED_OF_PROVIDER
from scopes.models import ApiKey, Person, TrailEntry
from scopes.models.api_key import in_logs
from scopes.models.person import FOR_SEARCH
from scopes.models.trail import Act

LOOK = "scopes.view_access_log"
PARAMETERS = ("who", "what", "person", "since", "until")
COLUMNS = ("at", "by", "viewed", "page_or_reference", "person_record", "people_records")
BATCH = 1000


@desk.screen("access/", "access_log", LOOK)
def access_log(request: HttpRequest) -> HttpResponseBase:
    """A page of the entries that the filters leave, the newest first; pages go on by id."""
    readers = _readers()
    chosen = _read(request.GET, readers)
    pages = page_by_id(request, _entries(chosen, readers), chosen)
    return desk.page(
        request,
        "admin/access_log/list.html",
        gettext("Access log"),
        rows=[(entry, title_of(entry.subject)) for entry in pages.rows],
        pages=pages,
        filters=_filters(chosen, readers),
        chosen=chosen,
        any_chosen=any(chosen.values()),
        person=Person.objects.defer(*FOR_SEARCH).filter(pk=chosen["person"]).first() if chosen["person"] else None,
        first=_address(chosen),
    )


@desk.screen("access/<int:pk>/", "access_entry", LOOK)
def access_entry(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Whom one list, or one file, showed to one agent: each with a link to their page."""
    entry = get_object_or_404(TrailEntry.objects.filter(verb=LIST), pk=pk)
    pks = entry.detail.get("people", [])
    found = Person.objects.defer(*FOR_SEARCH).in_bulk(pks)
    return desk.page(
        request,
        "admin/access_log/entry.html",
        gettext("People in a list"),
        entry=entry,
        page=title_of(entry.subject),
        people=[(pk, found.get(pk)) for pk in pks],
    )


@desk.screen("access/export/", "export_access_log", LOOK, methods=ACT)
def export_access_log(request: HttpRequest) -> HttpResponseBase:
    """GET shows what the file will hold; POST downloads it."""
    readers = _readers()
    chosen = _read(request.GET, readers)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act, now = form.act_of(request), timezone.now()
        filters = {key: value for key, value in chosen.items() if value}
        act.entry("access_log.exported", now, detail={"filters": filters}).save()
        return download(f"access-log-{now:%Y-%m-%d}.csv", COLUMNS, _lines(_entries(chosen, readers), act))
    return act_page(
        request,
        gettext("Export the access log"),
        about=gettext("Access log"),
        back=reverse("admin:access_log") + _address(chosen),
        will=[
            gettext("You download the entries that the filters leave as a CSV file with the columns %(columns)s.")
            % {"columns": ", ".join(f"`{column}`" for column in COLUMNS)},
            gettext(
                "It names people by reference id and record. What a spreadsheet would take for a formula begins with "
                "an apostrophe."
            ),
        ],
        form=form,
        submit=gettext("Download"),
    )


def _readers() -> dict[str, tuple[str, Q]]:
    """Value of the filter -> who it is, and their entries."""
    agents = User.objects.order_by("username").values_list("pk", "username")
    keys = ApiKey.objects.order_by("name").values_list("pk", "name")
    return {
        **{f"agent-{pk}": (name, Q(actor=pk)) for pk, name in agents},
        **{
            f"key-{pk}": (gettext("API key %(name)s") % {"name": name}, Q(actor=None, actor_name=in_logs(name)))
            for pk, name in keys
        },
    }


def _kinds() -> dict[str, str]:
    return {
        PERSON: gettext("A person’s page"),
        LIST: gettext("People in a list or file"),
        CONNECTION: gettext("An unclaimed connection"),
        TOKEN: gettext("An access token"),
    }


def _read(asked: Mapping[str, str], readers: Mapping[str, object]) -> dict[str, str]:
    """What the filters say; what is no choice, person or day is left out."""
    chosen = {name: asked.get(name, "") for name in PARAMETERS}
    return {
        "who": chosen["who"] if chosen["who"] in readers else "",
        "what": chosen["what"] if chosen["what"] in VERBS else "",
        "person": str(number(chosen["person"]) or ""),
        **{name: f"{day}" if (day := _day(chosen[name])) else "" for name in ("since", "until")},
    }


def _entries(chosen: Mapping[str, str], readers: Mapping[str, tuple[str, Q]]) -> QuerySet[TrailEntry]:
    entries = TrailEntry.objects.filter(verb__in=[chosen["what"]] if chosen["what"] else VERBS)
    if chosen["who"]:
        entries = entries.filter(readers[chosen["who"]][1])
    if chosen["person"]:
        pk = int(chosen["person"])
        entries = entries.filter(Q(person=pk) | Q(verb=LIST, detail__contains={"people": [pk]}))
    since, until = _day(chosen["since"]), _day(chosen["until"])
    if since:
        entries = entries.filter(at__gte=datetime.combine(since, time(), UTC))
    if until:
        entries = entries.filter(at__lt=datetime.combine(until + timedelta(days=1), time(), UTC))
    entries = entries.select_related("person", "connection__integration__provider")
    return entries.defer(*NOT_LISTED_OF_PERSON, *(f"connection__{column}" for column in NOT_LISTED_OF_PROVIDER))


def _filters(chosen: Mapping[str, str], readers: Mapping[str, tuple[str, Q]]) -> list[Filter]:
    offered = {
        "who": (gettext("Agent or API key"), {value: name for value, (name, _) in readers.items()}),
        "what": (gettext("Viewed"), _kinds()),
    }
    return [
        Filter(
            title,
            choices.get(chosen[name], ""),
            tuple(
                Choice(words, _address({**chosen, name: value}), value == chosen[name])
                for value, words in {"": gettext("All"), **choices}.items()
            ),
        )
        for name, (title, choices) in offered.items()
    ]


def _lines(entries: QuerySet[TrailEntry], act: Act) -> Iterator[Sequence[Cell]]:
    """The entries as lines of the file, the newest first, in batches; whom each names is recorded."""
    kinds = _kinds()
    rows = entries.select_related(None).order_by("-pk")
    batch = list(rows[:BATCH])
    while batch:
        named = [entry.person_id for entry in batch if entry.person_id]
        note_exported(act, "admin:export_access_log", named, timezone.now())
        for entry in batch:
            people = " ".join(map(str, entry.detail.get("people", [])))
            yield entry.at, entry.actor_name, kinds[entry.verb], entry.subject, entry.person_id, people
        batch = list(rows.filter(pk__lt=batch[-1].pk)[:BATCH])


def _address(chosen: Mapping[str, str], **more: Any) -> str:
    return "?" + urlencode({key: value for key, value in {**chosen, **more}.items() if value})


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date.min < day < date.max else None
