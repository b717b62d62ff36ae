"""What changes of standing mean as events: by the verdicts of the standings before and after, in one statement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from scopes.judge.rules import need_key
from scopes.models.arrays import numbers
from scopes.outbox import event_types
from scopes.outbox.writing import NewEvent, is_wanted, write
from scopes.reasons import Health

type Lines = Sequence[Mapping[str, Any]]


class Moved(NamedTuple):
    """A connection that has another standing than before; `before` is None for one that is new.

    `happened_at` is when the fact happened that it has come by.
    """

    connection: int
    before: int | None
    after: int
    happened_at: datetime


class _Change(NamedTuple):
    """A connection whose verdict changed, with both verdicts under the policy in force."""

    connection: int
    user_id: str
    reference_id: str
    source: int
    source_key: str
    provider: str
    health_before: str | None
    lines_before: str | None
    health: str
    helps: str
    link_reason: str
    link_remedy: str
    lines: str


def write_changes(moved: Sequence[Moved], now: datetime) -> int:
    """Write the events of these changes of standing, as far as an endpoint wants them; how many.

    Three statements, and a quick one where no endpoint is enabled. The connections must have their new standing
    already.
    """
    if not moved or not is_wanted():
        return 0
    times = {one.connection: one.happened_at for one in moved}
    changes = sorted(_changes(moved))
    return write([event for change in changes for event in _events(change, times[change.connection])], now)


def _changes(moved: Sequence[Moved]) -> list[_Change]:
    """Those of the connections whose health or missing scopes changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, c.user_id, coalesce(person.reference_id, c.reference_id), source.id, source.key, provider.slug,
                   old.health, old.lines::text, new.health, new.helps, new.link_reason, new.link_remedy, new.lines::text
            FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS moved (connection, before, after)
            JOIN scopes_connection c ON c.id = moved.connection
            JOIN scopes_integration integration ON integration.id = c.integration_id
            JOIN scopes_source source ON source.id = integration.source_id
            JOIN scopes_provider provider ON provider.id = integration.provider_id
            JOIN scopes_verdict new ON new.standing_id = moved.after
                                   AND new.policy_version_id = integration.policy_version_id
            LEFT JOIN scopes_verdict old ON old.standing_id = moved.before
                                        AND old.policy_version_id = integration.policy_version_id
            LEFT JOIN scopes_person person ON person.id = c.person_id
            WHERE (new.health, new.missing) IS DISTINCT FROM (coalesce(old.health, 'ok'), coalesce(old.missing, '{}'))
            """,
            [
                numbers(one.connection for one in moved),
                numbers(one.before for one in moved),
                numbers(one.after for one in moved),
            ],
        )
        return [_Change(*row) for row in cursor.fetchall()]


def _events(change: _Change, happened_at: datetime) -> Iterator[NewEvent]:
    before, after = json.loads(change.lines_before or "[]"), json.loads(change.lines)
    missing_before, missing = _missing(before), _missing(after)
    held = {_key(line) for line in after if line["held"]}
    gone = [line for key, line in missing.items() if key not in missing_before]
    come = [line for line in after if _key(line) in held and _key(line) in missing_before]
    broken, was_broken = change.health == Health.BROKEN, change.health_before == Health.BROKEN
    if was_broken and not broken:
        yield _event(event_types.FIXED, change, happened_at)
    if broken and not was_broken:
        why = {"reason": change.link_reason, "remedy": change.link_remedy}
        yield _event(event_types.BROKEN, change, happened_at, **why)
    if come:
        yield _event(event_types.GRANTED, change, happened_at, scopes=[_need(line) for line in come])
    if gone:
        yield _event(event_types.MISSING, change, happened_at, scopes=[_need(line) for line in gone])


def _event(type_: str, change: _Change, happened_at: datetime, **more: Any) -> NewEvent:
    return NewEvent(
        type_,
        connection_key(change.connection),
        {
            "connection": named(
                change.connection, change.source_key, change.provider, change.user_id, change.reference_id
            ),
            "happened_at": happened_at.isoformat(),
            "health": change.health,
            "helps": change.helps,
            **more,
        },
        source=change.source,
        connection=change.connection,
    )


def connection_key(pk: int) -> str:
    """The ordering key of the events of one connection."""
    return f"connection:{pk}"


def named(pk: int | None, source: str, provider: str, user_id: str, reference_id: str) -> dict[str, Any]:
    """A connection as events name it. An id that is an e-mail address is left out: bodies are stored and copied."""
    return {
        "id": pk,
        "source": source,
        "provider": provider,
        "user_id": _without_address(user_id),
        "reference_id": _without_address(reference_id),
    }


def _without_address(value: str) -> str | None:
    return None if not value or "@" in value or "%40" in value else value


def _missing(lines: Lines) -> dict[str, Mapping[str, Any]]:
    """The needs that are not met, without waived ones, by their keys. What was not reported is not missing."""
    return {_key(line): line for line in lines if line["held"] is False and line.get("reason") != "waived"}


def _key(line: Mapping[str, Any]) -> str:
    return need_key(line["scopes"])


def _need(line: Mapping[str, Any]) -> dict[str, Any]:
    scopes: Iterable[str] = line["scopes"]
    need = {"any_of": list(scopes), "need": line["need"], "features": line.get("features", [])}
    why = {key: line[key] for key in ("reason", "remedy") if line.get(key)}
    return need | why
