"""All connections, filtered by what their verdict says: first the standings, then the connections in them.

Numbers come from the census, never from counting; pages go on from the row where they end, so that each costs the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F, Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.connection_filters import address_of, filters_of, read, read_order, sorting
from scopes.admin.healths import verdicts_of
from scopes.admin.site import desk
from scopes.judge import census, lookup
from scopes.judge.connection_pages import page_of, read_position
from scopes.models import Integration, SavedFilter
from scopes.reasons import REASONS

PAGE = 50
LOOK = ("scopes.view_connection", "scopes.view_person")
VERIFY = "scopes.check_connection"
RUN, SELECT = "scopes.run_campaign", "scopes.send_to_selection"
REASONS_TO_VERIFY = {code for code, reason in REASONS.items() if reason.remedy == "verify"}


@desk.screen("connections/", "connections", *LOOK)
def connections(request: HttpRequest) -> HttpResponseBase:
    """A page of the connections that the filters leave, with how many there are in all."""
    integrations = _integrations()
    chosen = read(request.GET, integrations)
    order = read_order(request.GET.get("order", ""), chosen)
    standings, total = found_by(chosen)
    before, after = (read_position(request.GET.get(name, ""), order) for name in ("before", "after"))
    page = page_of(
        standings,
        order,
        PAGE,
        integration=int(chosen["integration"]) if chosen["integration"] else None,
        before=before,
        after=after,
    )
    judged = verdicts_of(page.rows)
    return desk.page(
        request,
        "admin/connections.html",
        gettext("Connections"),
        filters=[*filters_of(chosen, order, integrations), sorting(chosen, order)],
        any_chosen=any(chosen.values()),
        rows=[(row, judged.get(row.pk)) for row in page.rows],
        total=total,
        may_select=request.user.has_perm(SELECT),
        may_run=request.user.has_perm(RUN) and any(chosen.values()),
        verify=address_of(chosen) if REASONS_TO_VERIFY & {chosen["reason"]} and request.user.has_perm(VERIFY) else "",
        taken_at=census.taken_at(),
        first=address_of(chosen, order),
        previous=address_of(chosen, order, before=str(page.before)) if page.before else "",
        more=address_of(chosen, order, after=str(page.after)) if page.after else "",
        paged=bool(before or after),
        saved=SavedFilter.objects.filter(Q(owner=request.user.pk) | Q(owner__isnull=True)).order_by(
            F("owner").asc(nulls_last=True), "name"
        ),
    )


def found_by(chosen: Mapping[str, str]) -> tuple[list[int], int]:
    """The standings that the filters leave, and how many connections the census counts in them."""
    census.take_if_old(timezone.now())
    standings = lookup.standings_where(
        integration=int(chosen["integration"]) if chosen["integration"] else None,
        sources=[int(chosen["source"])] if chosen["source"] else None,
        health=chosen["health"],
        scope=chosen["scope"],
        reason=chosen["reason"],
    )
    return standings, lookup.counted(standings)


def chosen_in(request: HttpRequest) -> dict[str, str]:
    """What the filters in the address say; what no choice offers is not chosen."""
    return read(request.GET, _integrations())


def _integrations() -> list[Integration]:
    integrations = Integration.objects.select_related("provider", "source", "policy_version").defer("provider__entry")
    return list(integrations.order_by("provider__name", "source__key"))
