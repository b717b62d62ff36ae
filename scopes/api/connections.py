"""Connections: the host reports them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from scopes import flow
from scopes.api import reports
from scopes.api.keys import Permission, allows, caller, source_of
from scopes.api.problems import Problem
from scopes.facts import Fact
from scopes.intake.reports import connections
from scopes.intake.reports.connections import ReportedConnection
from scopes.models import ApiKey, Source

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
    recorded = flow.take_in_reported(_by_source(rows, key), f"key {key.public_id}", now)
    return reports.Taken(
        new=recorded.new, changed=recorded.changed, unchanged=recorded.unchanged, refused=reports.refused(refused)
    )


def _by_source(rows: Iterable[ReportedConnection], key: ApiKey) -> dict[Source, list[Fact]]:
    """The facts of these rows by the source that each names. Raises Problem."""
    by_name: dict[str | None, list[Fact]] = defaultdict(list)
    for row in rows:
        by_name[row.source] += row.facts
    by_source: dict[Source, list[Fact]] = defaultdict(list)
    for name, facts in by_name.items():
        by_source[host_source(key, name)] += facts
    return by_source


def host_source(key: ApiKey, name: str | None) -> Source:
    """The source of that name, which a host reports to. Raises Problem."""
    source = source_of(key, name)
    if source.kind != HOST:
        raise Problem(403, "wrong_source", "Only sources of the kind host are reported to by the API.")
    return source
