"""The errors that the host met at connections, in sentences: evidence that changes no verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from scopes.models import Connection, ReportedError


def sentences_of(connections: Iterable[Connection], at: datetime | None) -> dict[int, list[str]]:
    """Connection -> what was met at it, or at one merged into it, since its last consent; with `at`, up to then."""
    rows = {row.pk: row for row in connections}
    about = Q(connection__in=rows) | Q(connection__merged_into__in=rows)
    errors = ReportedError.objects.filter(about).select_related("connection").order_by("first_at", "pk")
    found: dict[int, list[str]] = defaultdict(list)
    for error in errors:
        for pk in (error.connection_id, error.connection.merged_into_id):
            if pk in rows and (sentence := _sentence(error, rows[pk].consented_at, at)):
                found[pk].append(sentence)
    return found


def _sentence(error: ReportedError, consented_at: datetime | None, at: datetime | None) -> str:
    times = [time for time in (error.first_at, error.last_at) if at is None or time <= at]
    current = [time for time in times if consented_at is None or time >= consented_at]
    if not current:
        return ""
    first, last = (f"{time:%-d %b %Y}" for time in (current[0], current[-1]))
    when = f"on {first}" if first == last else f"between {first} and {last}"
    return f"The host met an error {when} that proves `{error.proves}`: “{error.message}”."
