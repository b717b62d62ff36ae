"""Check connections with their source now: one from its page, many from the list. The reply is shown as evidence."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import batched, groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from scopes import queue
from scopes.admin.act_page import Why, act_page
from scopes.admin.connections import VERIFY, chosen_in, found_by
from scopes.admin.healths import verdicts_of
from scopes.admin.site import ACT, desk
from scopes.admin.tags import listed, thousands
from scopes.admin.waive import about, page_of
from scopes.judge import lookup
from scopes.models import Connection, LiveCheck, Source
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.sources import registry
from scopes.sources.errors import AccountRefused, NotConfigured, SourceError
from scopes.sources.gateway import Gateway, Patience
from scopes.sync import live_check, rate_limit

LOOK = ("scopes.view_person", "scopes.view_connection")
AT_ONCE, SECONDS_AT_ONCE = 20, 12
CHUNK = 100
SHOWN = 50
LOOK_AGAIN_SECONDS = 4
STILL_CHECKING = timedelta(hours=1)


@desk.screen("connections/<int:pk>/check/", "check_now", *LOOK, VERIFY, methods=ACT)
def check_now(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what asking means; POST asks the source while the agent waits."""
    rows = Connection.objects.select_related("person", "integration__provider", "integration__source")
    row = get_object_or_404(rows.filter(merged_into__isnull=True), pk=pk)
    source = row.integration.source
    title = registry.title_of(source)
    gateway, trouble = _gateway(source)
    trouble = trouble or _used_up(request)
    form = Why(request.POST or None)
    if gateway is not None and not trouble and request.method == "POST" and form.is_valid():
        error = _ask_now(row, gateway, form.act_of(request))
        if error is None:
            messages.success(
                request, gettext("%(title)s answered. The result is shown under Evidence.") % {"title": title}
            )
            return redirect(f"{page_of(row)}#evidence-{row.pk}")
        trouble = _in_words(error, title)
    return act_page(
        request,
        gettext("Check %(provider)s with %(title)s now") % {"provider": row.integration.provider.name, "title": title},
        about=about(row),
        back=page_of(row),
        will=_will(row, gateway) if gateway else (),
        trouble=trouble,
        form=form if gateway else None,
        submit=gettext("Check now"),
    )


@desk.screen("connections/check/", "check_many", *LOOK, VERIFY, methods=ACT)
def check_many(request: HttpRequest) -> HttpResponseBase:
    """GET shows what asking about the connections of the list means; POST asks about the first, and defers the rest."""
    chosen = chosen_in(request)
    if not any(chosen.values()):
        raise Http404
    standings, total = found_by(chosen)
    may = live_check.allowance(request.user.get_username(), timezone.now())
    rows = list(lookup.page(standings, 0, may)) if may else []
    gateways = {source: _gateway(source) for source in {row.integration.source for row in rows}}
    rows = [row for row in rows if gateways[row.integration.source][0] is not None]
    trouble = _used_up(request) or next((why for _, why in gateways.values() if why and not rows), "")
    form = Why(request.POST or None)
    if rows and not trouble and request.method == "POST" and form.is_valid():
        batch = uuid.uuid4()
        _ask_many(rows, gateways, form.act_of(request), batch, {key: value for key, value in chosen.items() if value})
        return redirect("admin:live_checks", batch)
    return act_page(
        request,
        gettext("Check %(connections)s") % {"connections": _connections(len(rows))},
        about=gettext("Connections"),
        back=reverse("admin:connections") + "?" + urlencode({key: value for key, value in chosen.items() if value}),
        will=_will_many(rows, total) if rows else (gettext("No connections match these filters."),),
        trouble=trouble,
        form=form if rows else None,
        submit=gettext("Check now"),
    )


@desk.screen("connections/checks/<uuid:batch>/", "live_checks", *LOOK, VERIFY)
def live_checks(request: HttpRequest, batch: uuid.UUID) -> HttpResponseBase:
    """How many of those that were asked about together are answered, and what the answers are."""
    checks = LiveCheck.objects.filter(batch=batch)
    counted = dict(checks.values_list("answer").annotate(number=Count("pk")).order_by("-number"))
    if not counted:
        raise Http404
    waiting = counted.pop("", 0)
    first = list(
        checks.select_related("connection__person", "connection__integration__provider")
        .defer(*(f"connection__{column}" for column in lookup.NOT_LISTED))
        .order_by("pk")[:SHOWN]
    )
    now = timezone.now()
    response = desk.page(
        request,
        "admin/live_checks.html",
        gettext("Checked connections"),
        requested=waiting + sum(counted.values()),
        answered=sum(counted.values()),
        waiting=waiting,
        workers=queue.workers_alive() if waiting else 0,
        answers=[(LiveCheck.Answer(answer).label, number) for answer, number in counted.items()],
        requested_at=first[0].asked_at,
        author=first[0].author,
        rows=_with_verdicts(first),
    )
    if waiting and now - first[0].asked_at < STILL_CHECKING:
        response["Refresh"] = str(LOOK_AGAIN_SECONDS)
    return response


def _gateway(source: Source) -> tuple[Gateway | None, str]:
    """The gateway of the source, for somebody who waits; or why there is none."""
    if source.kind not in registry.able("looks_up"):
        words = gettext("%(source)s doesn’t support checking single connections.") % {"source": source}
        return None, f"{words} {registry.reports_of(source.kind)}".rstrip()
    try:
        return rate_limit.gateway_of(source, Patience.INTERACTIVE), ""
    except NotConfigured:
        return None, gettext("%(source)s is not set up here, so it can’t be checked. Tell an engineer.") % {
            "source": source
        }


def _used_up(request: HttpRequest) -> str:
    if live_check.allowance(request.user.get_username(), timezone.now()):
        return ""
    return gettext(
        "You have checked %(connections)s within the last hour. Try again later. "
        "Unconfirmed connections are checked every night anyway."
    ) % {"connections": _connections(live_check.AN_HOUR_EACH)}


def _will(row: Connection, gateway: Gateway) -> list[str]:
    title = gateway.title
    will = [
        gettext("%(title)s (%(gateway)s) is asked whether the connection exists and which scopes it has.")
        % {"title": title, "gateway": gateway.name},
        gettext("The answer is recorded like a webhook: it never overwrites newer information."),
        gettext(
            "A 404 alone marks the connection as unconfirmed. It counts as gone only if a "
            "complete listing lacks it too."
        ),
        gettext("If %(title)s doesn’t answer, nothing changes.") % {"title": title},
    ]
    if gateway.probes and not row.integration.provider.on_device:
        will.insert(1, gettext("The provider is asked for the account, which shows whether the token works."))
    else:
        will.insert(
            1, gettext("The provider itself is not asked, so `active: true` doesn’t show that the token works.")
        )
    return will


def _will_many(rows: Sequence[Connection], total: int) -> list[str]:
    number, titles = len(rows), sorted({registry.title_of(row.integration.source) for row in rows})
    words = gettext("%(titles)s: %(connections)s will be checked while you wait.")
    if number > AT_ONCE:
        words = gettext("%(titles)s: %(connections)s will be checked, the first %(at_once)s while you wait.")
    will = [
        words % {"titles": listed(titles), "connections": _connections(number), "at_once": AT_ONCE},
        gettext("The answers are recorded like webhooks. If there is no answer, nothing changes."),
    ]
    if number > AT_ONCE:
        rest = gettext("A worker checks the rest in the background.")
        night = gettext("No worker is running, so the nightly audit checks the rest.")
        will.insert(1, rest if queue.workers_alive() else night)
    if total > number:
        will.append(
            gettext(
                "The list holds %(number)s: at most %(limit)s can be checked by one "
                "agent per hour. The oldest come first, and only where the source can be asked."
            )
            % {"number": thousands(total), "limit": live_check.AN_HOUR_EACH}
        )
    return will


def _ask_now(row: Connection, gateway: Gateway, act: Act) -> SourceError | None:
    """Why the source did not answer, if it did not."""
    (check,) = _keep([row], act, None, {})
    checked = live_check.check([check], gateway, timezone.now)
    if checked.trouble is not None:
        live_check.give_up([check], checked.trouble, timezone.now())
    return checked.trouble


def _ask_many(
    rows: Sequence[Connection],
    gateways: dict[Source, tuple[Gateway | None, str]],
    act: Act,
    batch: uuid.UUID,
    filters: dict[str, str],
) -> None:
    checks = _keep(rows, act, batch, filters)
    ends = time.monotonic() + SECONDS_AT_ONCE
    first = sorted(checks[:AT_ONCE], key=lambda check: check.connection.integration.source_id)
    for source, together in groupby(first, key=lambda check: check.connection.integration.source):
        gateway, _ = gateways[source]
        if gateway is not None:
            live_check.check(list(together), gateway, timezone.now, has_time=lambda: time.monotonic() < ends)
    left = [check.pk for check in checks if check.answered_at is None]
    if not left:
        return
    with suppress(queue.QueueError):  # what cannot be deferred waits for the night
        queue.defer_many("live_checks", [{"checks": list(pks)} for pks in batched(left, CHUNK)])


@in_transaction
def _keep(rows: Sequence[Connection], act: Act, batch: uuid.UUID | None, filters: dict[str, str]) -> list[LiveCheck]:
    """The checks, kept with an entry in the trail before the source is asked."""
    now = timezone.now()
    checks = live_check.new_checks(rows, act.name, now)
    for check in checks:
        check.batch = batch
    one = rows[0] if batch is None else None
    LiveCheck.objects.bulk_create(checks)
    act.entry(
        "connection.checked" if one else "connections.checked",
        now,
        person=one.person if one else None,
        connection=one,
        integration=one.integration if one else None,
        subject=one.user_id if one else f"batch {batch}",
        detail={"connections": len(checks), "filters": filters} if batch else {},
    ).save()
    return checks


def _with_verdicts(checks: Sequence[LiveCheck]) -> list[tuple[LiveCheck, Any]]:
    judged = verdicts_of([check.connection for check in checks])
    return [(check, judged.get(check.connection_id)) for check in checks]


def _in_words(error: SourceError, title: str) -> str:
    if isinstance(error, AccountRefused):
        return gettext("%(title)s rejects our credentials, so the check failed. Tell an engineer: %(error)s") % {
            "title": title,
            "error": error,
        }
    return gettext("%(title)s did not answer. Nothing was changed. Try again in a few minutes. (%(error)s)") % {
        "title": title,
        "error": error,
    }


def _connections(number: int) -> str:
    return ngettext("%(number)s connection", "%(number)s connections", number) % {"number": thousands(number)}
