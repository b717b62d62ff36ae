"""Read connections from CSV or JSON Lines, row by row: what a source reported about each, and when.

Fields are those of FIELDS, where `at` is the time of the report; `provider` and `user_id` are required. A provider is
named as the source names it, or by our slug.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from scopes.catalogue import Provider, default
from scopes.facts import ConnectionSeen
from scopes.intake.files import file_rows
from scopes.intake.files.file_rows import RefusedRow, UnreadableFile
from scopes.sources.fields import (
    LONGEST_TEXT,
    LONGEST_USER_ID,
    PayloadError,
    kind_of,
    named,
    scopes_in,
    text_in,
    time_in,
)
from scopes.times import EARLIEST, TRUSTED_AHEAD, believed

FIELDS = (
    "provider",
    "user_id",
    "reference_id",
    "scopes",
    "active",
    "created_at",
    "last_webhook_update",
    "most_recent_data_at",
    "last_polled_at",
    "provider_user_id",
    "at",
)
# CSV has only text. Each database writes booleans differently, and spreadsheets write them in their user's language.
BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "1", "wahr", "vrai", "waar", "vero", "verdadero"), True),
    **dict.fromkeys(("false", "f", "no", "0", "falsch", "faux", "onwaar", "falso"), False),
    **dict.fromkeys(("", "null"), None),
}


def read(
    path: Path, kind: str, as_of: datetime | None, now: datetime
) -> Iterator[tuple[int, ConnectionSeen] | RefusedRow]:
    """Each row's connection with its line, in the file's order. `as_of` is the time of rows without `at`.

    Raises UnreadableFile, also if neither a row nor `as_of` gives a time: the file's own time may be that of a copy,
    and old facts would count as new.
    """
    for row in file_rows.read(path, FIELDS, ["provider", "user_id"]):
        if isinstance(row, RefusedRow):
            yield row
            continue
        line, values = row
        try:
            yield line, _seen(kind, line, values, as_of, now)
        except PayloadError as problem:
            yield RefusedRow(line, str(problem))


def _seen(kind: str, line: int, row: Mapping[str, Any], as_of: datetime | None, now: datetime) -> ConnectionSeen:
    user_id = id_in(row, "user_id", LONGEST_USER_ID)
    name = text_in(row, "provider", longest=LONGEST_TEXT)
    if user_id is None or name is None:
        raise PayloadError(f"{'user_id' if user_id is None else 'provider'} is missing")
    provider = _provider(kind, name)
    at = past_time_in(row, "at", now) or as_of
    if at is None:
        raise UnreadableFile(f"Line {line} does not say when it was so. Add a column `at`, or say --as-of TIME.")
    return ConnectionSeen(
        provider=provider.slug,
        user_id=user_id,
        happened_at=at,
        reference_id=id_in(row, "reference_id", LONGEST_TEXT),
        scopes=scopes_in(row, "scopes", reports=provider.reports_scopes),
        active=_boolean(row, "active"),
        created_at=past_time_in(row, "created_at", now),
        last_webhook_on=_day(past_time_in(row, "last_webhook_update", now)),
        last_data_on=_day(past_time_in(row, "most_recent_data_at", now)),
        provider_user_id=id_in(row, "provider_user_id", LONGEST_TEXT),
        # Our slug is no name of the source's: it does not tell which region.
        resource=None if name == provider.slug else named(name),
    )


def id_in(row: Mapping[str, Any], key: str, longest: int) -> str | None:
    """The id under `key`, None when there is none. Raises PayloadError, also where a spreadsheet has damaged it."""
    value = text_in(row, key, longest=longest)
    if file_rows.spreadsheet_damage(value):
        raise PayloadError(f"{key} {file_rows.DAMAGED}")
    return value


@cache
def _provider(kind: str, name: str) -> Provider:
    """The catalogue's provider that a source of that kind calls so.

    One that nobody knows is refused: it is sooner a slip than a new one.
    """
    found = default().known_as(kind, name) or default().providers.get(name.lower())
    if found is None:
        raise PayloadError("provider is in no catalogue entry")
    return found


def _boolean(row: Mapping[str, Any], key: str) -> bool | None:
    value = row.get(key)
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise PayloadError(f"{key} must be true or false, not {kind_of(value)}")
    try:
        return BOOLEANS[value.strip().lower()]
    except KeyError:
        raise PayloadError(f"{key} must be true or false") from None


def past_time_in(
    row: Mapping[str, Any], key: str, now: datetime, *, ahead: timedelta = TRUSTED_AHEAD
) -> datetime | None:
    """The time in `key`. One in the future is refused: it would override every fact until then."""
    time = time_in(row, key)
    if time is not None and believed(time, now, ahead=ahead) is None:
        raise PayloadError(f"{key} lies {'in the future' if time > now else f'before {EARLIEST.year}'}")
    return time


def _day(time: datetime | None) -> date | None:
    return None if time is None else time.date()
