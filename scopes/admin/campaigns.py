"""Campaigns: the list, the page of one with its preflight, preview and funnel, and the people of a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone, translation
from django.utils.translation import gettext

from scopes import queue
from scopes.admin import campaign_words as words
from scopes.admin.campaign_acts import limits, may_run
from scopes.admin.site import desk
from scopes.judge.lookup import NOT_LISTED
from scopes.models import Campaign, Integration, Recipient
from scopes.reauth import consent_text
from scopes.reauth.campaigns import audience, numbers
from scopes.reauth.consent_text import ConsentText
from scopes.reauth.languages import language_of
from scopes.reauth.mail_text import MailText, mail_text
from scopes.reauth.public_address import mailed_address
from scopes.reauth.target import Target

LOOK = "scopes.view_campaign"
PAGE = 50
NEWEST = 200
PREVIEWS, LOOKED_THROUGH = 3, 200
LOOK_AGAIN_SECONDS = 5

State = Recipient.State


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a funnel. `counts` are in the order of its columns."""

    title: Any
    counts: Sequence[int]


@desk.screen("campaigns/", "campaigns", LOOK)
def campaigns(request: HttpRequest) -> HttpResponseBase:
    """The campaigns, the newest first, each with how far it has got."""
    rows = list(Campaign.objects.defer("numbers").order_by("-pk")[:NEWEST])
    counted = numbers.by_state({row.pk for row in rows})
    return desk.page(
        request,
        "admin/campaigns/list.html",
        gettext("Campaigns"),
        campaigns=[
            (
                row,
                words.TONES[Campaign.State(row.state)],
                sum(counted[row.pk].values()),
                counted[row.pk][State.SENT],
                counted[row.pk][State.WAITING],
            )
            for row in rows
        ],
        newest=NEWEST,
    )


@desk.screen("campaigns/<int:pk>/", "campaign", LOOK)
def campaign(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One campaign: what the preflight says of all, what the people will read, and what came of the links."""
    row = get_object_or_404(Campaign.objects.select_related(*words.ENDS), pk=pk)
    now = timezone.now()
    groups = numbers.groups_of(row)
    waiting = groups.by_state.get(State.WAITING, 0)
    language = language_of(request.GET.get("language", ""), row.language)
    at_work = row.state == Campaign.State.RUNNING or (row.state == Campaign.State.DRAFT and row.weighed_at is None)
    funnel = _funnel(row, numbers.numbers_of(row, now)) if row.started_at else {}
    targets = _first_targets(row) if waiting and row.state != Campaign.State.RUNNING else []
    response = desk.page(
        request,
        "admin/campaigns/campaign.html",
        row.name,
        campaign=row,
        tone=words.TONES[Campaign.State(row.state)],
        rule=words.rule_of(row, groups.total),
        groups=words.groups_of(groups),
        progress=[(gettext(title), row.progress.get(step, 0)) for step, title in words.PROGRESS.items()]
        if row.progress
        else [],
        total=groups.total,
        checked=groups.total - groups.by_state.get(State.LISTED, 0),
        waiting=waiting,
        hours=-(-waiting // row.per_hour),
        workers=queue.workers_alive() if at_work else 0,
        previews=_previews(targets, language, now + timedelta(days=row.days)),
        sender=settings.MAIL_FROM,
        warnings=sorted({warning for target in targets for warning in target.preflight.warnings}),
        language=language,
        languages=settings.LANGUAGES,
        may_run=may_run(request, row, groups.total),
        **funnel,
    )
    if at_work:
        response["Refresh"] = str(LOOK_AGAIN_SECONDS)
    return response


@desk.screen("campaigns/<int:pk>/people/", "campaign_people", LOOK, "scopes.view_person")
def people(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The recipients of one group, a page at a time."""
    row = get_object_or_404(Campaign, pk=pk)
    code = request.GET.get("group", State.WAITING)
    after = request.GET.get("after", "0")
    if not after.isdecimal() or len(after) > 18:
        raise BadRequest(gettext("This page does not exist."))
    group = next((one for one in words.groups_of(numbers.groups_of(row)) if one.code == code), None)
    if group is None:
        group = words.Group(code, gettext("No one is in this group any more."), 0)
    state, obstacle = (code, "") if code in State.values else (State.LEFT_OUT, code)
    found = Recipient.objects.filter(campaign=row, state=state, obstacle=obstacle, pk__gt=int(after)).order_by("pk")
    found = found.select_related("person", "connection", "integration__provider", "link").defer(*NOT_LISTED)
    rows = list(found[: PAGE + 1])
    return desk.page(
        request,
        "admin/campaigns/people.html",
        group.words,
        campaign=row,
        group=group,
        rows=[(one, words.reason_words(one.reason_code)) for one in rows[:PAGE]],
        more=f"?group={code}&after={rows[PAGE - 1].pk}" if len(rows) > PAGE else "",
        first=f"?group={code}" if after != "0" else "",
    )


def _first_targets(row: Campaign) -> list[Target]:
    """What the links of the first who wait at each provider lead to."""
    first: dict[int, Recipient] = {}
    for recipient in audience.waiting_in(row.pk, State.WAITING)[:LOOKED_THROUGH]:
        first.setdefault(recipient.integration_id, recipient)
    rows = list(first.values())[:PREVIEWS]
    targets = audience.targets_for(row, rows, timezone.now(), limits())
    return [target for target in targets if target is not None]


def _previews(targets: Sequence[Target], language: str, expires_at: datetime) -> list[tuple[MailText, ConsentText]]:
    """The mail and the page that these people will read, in that language: without a name, and without an address."""
    url = unquote(mailed_address("reauth_landing", "…", "…"))
    with translation.override(language):
        consents = [consent_text.for_target(target, settings.PORTAL_HOST_NAME) for target in targets]
        return [(mail_text(consent, name="", url=url, expires_at=expires_at), consent) for consent in consents]


def _funnel(row: Campaign, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The funnel as a whole, and by provider, reason and day."""
    names = dict(
        Integration.objects.filter(pk__in={one["integration"] for one in rows}).values_list("pk", "provider__name")
    )
    whole = next((counts for _, counts in numbers.summed(rows, lambda one: True)), Counter[str]())
    links = whole["links"]
    split = {
        gettext("By provider"): numbers.summed(rows, lambda one: names.get(one["integration"], "")),
        gettext("By reason"): numbers.summed(rows, lambda one: words.reason_words(one["reason"])),
        gettext("By day"): [
            (date.fromisoformat(day), counts) for day, counts in sorted(numbers.summed(rows, lambda one: one["day"]))
        ],
    }
    steps = words.funnel_of(whole["arrived"], settings.MAIL_SERVICE)
    columns = {**steps, **words.OTHERWISE}
    return {
        "funnel": [
            (gettext(title), whole[step], 1000 * whole[step] // links if links else 0) for step, title in steps.items()
        ],
        "uncertain": whole["uncertain"],
        "otherwise": [(gettext(title), whole[step]) for step, title in words.OTHERWISE.items() if whole[step]],
        "columns": [gettext(title) for step, title in columns.items() if whole[step] or step in steps],
        "tables": [
            (
                heading,
                [
                    Row(title, [counts[step] for step in columns if whole[step] or step in steps])
                    for title, counts in lines
                ],
            )
            for heading, lines in split.items()
        ],
    }
