"""Connections: the host reports them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from scopes import flow
from scopes.api import reports
from scopes.api.keys import Permission, allows, caller, source_of, sources_of
from scopes.api.problems import Problem
from scopes.facts import Fact
from scopes.intake.files.file_rows import RefusedRow
from scopes.intake.reports import connections
from scopes.intake.reports.connections import ReportedConnection
from scopes.models import ApiKey, Source
from scopes.sources import registry
from scopes.sources.errors import NotConfigured

router = Router(tags=["Connections"])

HOST = "host"
FIELDS = {
    "source": "the source, such as `host:app`; it may be left out where the key is for exactly one",
    "provider": "the provider: our slug, or another name that the catalogue knows; required",
    "user_id": "your own key of the connection, which never changes; required",
    "reference_id": "your key of the person",
    "scopes": "the scopes exactly as granted, as a list; null is not known",
    "active": "whether the connection works, where no `state` says more",
    "state": f"one of {', '.join(f'`{state}`' for state in connections.STATES)}",
    "consented_at": "when the person last consented",
    "last_data_on": "the day of the newest data",
    "provider_user_id": "the id of the account at the provider",
    "happened_at": "when it was so; by default the time of the call",
}


@router.put(
    "connections",
    auth=allows(Permission.WRITE_CONNECTIONS),
    response=reports.Taken,
    summary="Report connections",
    openapi_extra=reports.batch(
        "connections",
        FIELDS,
        {"provider": "oura", "user_id": "4711", "reference_id": "ref-ada", "scopes": ["daily"], "state": "active"},
    ),
)
def report_connections(request: HttpRequest) -> reports.Taken:
    """Up to 1,000 connections, each as it was at a time. Newer reports win, in whatever order they arrive.

    What a row leaves out is not known: it changes nothing.
    """
    now, key = timezone.now(), caller(request)
    rows, refused = connections.read(reports.reported_rows(request, "connections"), now)
    by_source, elsewhere = _by_source(rows, key)
    recorded = flow.take_in_reported(by_source, f"key {key.public_id}", now)
    return reports.Taken(
        new=recorded.new,
        changed=recorded.changed,
        unchanged=recorded.unchanged,
        refused=reports.refused(refused + elsewhere),
    )


def _by_source(rows: Iterable[ReportedConnection], key: ApiKey) -> tuple[dict[Source, list[Fact]], list[RefusedRow]]:
    """The facts of these rows by the source that each names, and the rows that name none which is reported to."""
    rows = list(rows)
    sources = _sources({row.source for row in rows}, key)
    by_source: dict[Source, list[Fact]] = defaultdict(list)
    refused = []
    for row in rows:
        source = sources.get(row.source)
        if source is not None and source.kind == HOST:
            by_source[source] += row.facts
        else:
            refused.append(RefusedRow(row.place, _why_not(row.source, source)))
    return by_source, refused


def _sources(names: Collection[str | None], key: ApiKey) -> dict[str | None, Source]:
    """Those of the names that are sources of the key; the statements grow with its sources, not with the names."""
    known: set[str | None] = {None, *sources_of(key).values_list("key", flat=True)}
    with suppress(NotConfigured):
        known |= set(registry.set_up())
    found: dict[str | None, Source] = {}
    for name in known.intersection(names):
        with suppress(Problem):
            found[name] = source_of(key, name)
    return found


def _why_not(name: str | None, source: Source | None) -> str:
    if source is not None:
        return "source is not of the kind host, and only such sources are reported to"
    return "source is unknown" if name else "source is missing: the key is not for exactly one"
