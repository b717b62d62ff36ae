"""What changes of standing mean as events: by the verdicts of the standings before and after."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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


class _Judged(NamedTuple):
    """What a move from one standing to another changed: both verdicts under the policy in force."""

    health_before: str | None
    lines_before: str | None
    health: str
    helps: str
    link_reason: str
    link_remedy: str
    lines: str


class _Change(NamedTuple):
    """A connection whose verdict changed, and how."""

    connection: int
    user_id: str
    reference_id: str
    source: int
    source_key: str
    provider: str
    judged: _Judged


def write_changes(moved: Sequence[Moved], now: datetime) -> int:
    """Write the events of these changes of standing, as far as an endpoint wants them; how many.

    A quick statement says whether an endpoint is enabled, one more whether a verdict changed; where one did, two write
    it. The connections must have their new standing already.
    """
    if not moved or not is_wanted():
        return 0
    judged = _judged({(one.before, one.after) for one in moved})
    changed = {one.connection: one for one in moved if (one.before, one.after) in judged}
    if not changed:
        return 0
    changes = _changes({pk: judged[one.before, one.after] for pk, one in changed.items()})
    return write(
        [event for change in changes for event in _events(change, changed[change.connection].happened_at)], now
    )


def _judged(pairs: Collection[tuple[int | None, int]]) -> dict[tuple[int | None, int], _Judged]:
    """Those of the moves, from a standing to another, by which health or missing scopes change.

    A statement of its own, without the names of connections: with all of it in one, to plan it took longer than to run.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT moved.before, moved.after, old.health, old.lines::text,
                   new.health, new.helps, new.link_reason, new.link_remedy, new.lines::text
            FROM unnest(%s::int[], %s::int[]) AS moved (before, after)
            JOIN scopes_standing standing ON standing.id = moved.after
            JOIN scopes_integration integration ON integration.id = standing.integration_id
            JOIN scopes_verdict new ON new.standing_id = moved.after
                                   AND new.policy_version_id = integration.policy_version_id
            LEFT JOIN scopes_verdict old ON old.standing_id = moved.before
                                        AND old.policy_version_id = integration.policy_version_id
            WHERE (new.health, new.missing) IS DISTINCT FROM (coalesce(old.health, 'ok'), coalesce(old.missing, '{}'))
            """,
            [numbers(before for before, _ in pairs), numbers(after for _, after in pairs)],
        )
        return {(before, after): _Judged(*verdicts) for before, after, *verdicts in cursor.fetchall()}


def _changes(judged: Mapping[int, _Judged]) -> list[_Change]:
    """The connections with these ids, in order, by the names that others know them by."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, c.user_id, coalesce(person.reference_id, c.reference_id), source.id, source.key, provider.slug
            FROM unnest(%s::bigint[]) AS changed (connection)
            JOIN scopes_connection c ON c.id = changed.connection
            JOIN scopes_integration integration ON integration.id = c.integration_id
            JOIN scopes_source source ON source.id = integration.source_id
            JOIN scopes_provider provider ON provider.id = integration.provider_id
            LEFT JOIN scopes_person person ON person.id = c.person_id
            """,
            [numbers(judged)],
        )
        return [
            _Change(pk, user_id, reference_id, source, key, provider, judged[pk])
            for pk, user_id, reference_id, source, key, provider in sorted(cursor.fetchall())
        ]


def _events(change: _Change, happened_at: datetime) -> Iterator[NewEvent]:
    judged = change.judged
    before, after = json.loads(judged.lines_before or "[]"), json.loads(judged.lines)
    missing_before, missing = _missing(before), _missing(after)
    held = {_key(line) for line in after if line["held"]}
    gone = [line for key, line in missing.items() if key not in missing_before]
    come = [line for line in after if _key(line) in held and _key(line) in missing_before]
    broken, was_broken = judged.health == Health.BROKEN, judged.health_before == Health.BROKEN
    if was_broken and not broken and judged.link_reason != "moved":
        yield _event(event_types.FIXED, change, happened_at)
    if broken and not was_broken:
        why = {"reason": judged.link_reason, "remedy": judged.link_remedy}
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
            "health": change.judged.health,
            "helps": change.judged.helps,
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
