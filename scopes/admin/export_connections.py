"""The connections that the filters leave, as a CSV file: only named columns, with a reason, recorded in the trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from scopes import access_log
from scopes.admin.act_page import Why, act_page
from scopes.admin.connection_filters import address_of
from scopes.admin.connections import LOOK, chosen_in, found_by
from scopes.admin.csv_file import Cell, download
from scopes.admin.healths import verdicts_of
from scopes.admin.site import ACT, desk
from scopes.admin.tags import thousands
from scopes.judge.connection_pages import batches_of
from scopes.models import Connection, Verdict
from scopes.models.trail import Act

EXPORT = "scopes.export_connections"
# No name, no e-mail address: the host finds its people by reference id.
COLUMNS = (
    "connection", "reference_id", "source", "provider", "user_id", "health", "link_helps", "reason", "missing",
    "consented_at", "first_seen_at",
)  # fmt: skip


@desk.screen("connections/export/", "export_connections", *LOOK, EXPORT, methods=ACT)
def export_connections(request: HttpRequest) -> HttpResponseBase:
    """GET shows what the file will hold; POST downloads it."""
    chosen = chosen_in(request)
    standings, total = found_by(chosen)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act, now = form.act_of(request), timezone.now()
        filters = {key: value for key, value in chosen.items() if value}
        act.entry("connections.exported", now, detail={"connections": total, "filters": filters}).save()
        return download(f"connections-{now:%Y-%m-%d}.csv", COLUMNS, _rows(standings, act))
    return act_page(
        request,
        gettext("Export connections"),
        about=gettext("Connections"),
        back=reverse("admin:connections") + address_of(chosen),
        will=[
            ngettext(
                "You download %(number)s connection as a CSV file with the columns %(columns)s.",
                "You download %(number)s connections as a CSV file with the columns %(columns)s.",
                total,
            )
            % {"number": thousands(total), "columns": ", ".join(f"`{column}`" for column in COLUMNS)},
            gettext(
                "It has no names and no e-mail addresses. What a spreadsheet would take for a formula begins with an "
                "apostrophe."
            ),
            gettext("The access log shows whom the file names. Keep no copy longer than you need it."),
        ],
        form=form,
        submit=gettext("Download"),
    )


def _rows(standings: Sequence[int], act: Act) -> Iterator[Sequence[Cell]]:
    for batch in batches_of(standings):
        judged = verdicts_of(batch)
        people = [row.person_id for row in batch if row.person_id is not None]
        access_log.note_exported(act, "admin:export_connections", people, timezone.now())
        for row in batch:
            yield _row(row, judged.get(row.pk))


def _row(row: Connection, verdict: Verdict | None) -> Sequence[Cell]:
    return (
        row.pk,
        row.person.reference_id if row.person else row.reference_id,
        row.integration.source.key,
        row.integration.provider.slug,
        row.user_id,
        verdict.health if verdict else "",
        verdict.helps if verdict else "",
        verdict.link_reason if verdict else "",
        "; ".join(verdict.missing) if verdict else "",
        row.consented_at,
        row.first_seen_at,
    )
