"""Record what is reported about the link of each id; these events decide which ids are one connection."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import connection

from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    Origin,
    OriginKind,
)
from scopes.intake.recording.row import FactsByKey, Key
from scopes.models import LinkEvent
from scopes.models.arrays import looked_up, numbers, texts, times

# These report on very many connections: an observation from one is an event only where it changes something.
OF_MANY = frozenset({OriginKind.LISTING, OriginKind.FILE})


def record(reported: FactsByKey, past: Collection[Key], ended: Collection[Key]) -> set[Key]:
    """Record the link events of each id; returns the ids with new ones.

    `past` are former ids, `ended` those whose link did not work before or does not now. Only for these a listing or a
    file that shows them in use is an event.
    """
    events: set[tuple[int, str, datetime, str, str]] = set()
    newest: dict[tuple[Key, str], tuple[datetime, str]] = {}
    for key, facts in reported.items():
        for fact, _, _, origin in facts:
            if isinstance(fact, ConnectionSeen):
                if fact.active is False:
                    events.add((*key, fact.happened_at, LinkState.INACTIVE.value, ""))
                elif fact.active and _is_event(fact, origin, ended=key in past or key in ended):
                    _keep_newest(newest, (key, LinkEvent.SEEN), (fact.happened_at, ""))
                if fact.provider_user_id:
                    _keep_newest(newest, (key, LinkEvent.ACCOUNT), (fact.happened_at, fact.provider_user_id))
            elif (what := _what(fact)) is not None:
                old = (fact.old_user_id or "") if isinstance(fact, IdReplaced) else ""
                events.add((*key, fact.happened_at, what, old))
    news = _insert_events(events) | _insert_newest(newest)
    _follow_accounts([key for key, what in newest if what == LinkEvent.ACCOUNT])
    return news


def record_accounts(reported: FactsByKey) -> None:
    """Record the account of each id that the host reported by the API: the newest is the connection's."""
    newest: dict[tuple[Key, str], tuple[datetime, str]] = {}
    for key, facts in reported.items():
        for fact, _, _, origin in facts:
            if origin.kind is OriginKind.API and isinstance(fact, ConnectionSeen) and fact.provider_user_id:
                _keep_newest(newest, (key, LinkEvent.ACCOUNT), (fact.happened_at, fact.provider_user_id))
    _insert_newest(newest)
    _follow_accounts([key for key, _ in newest])


def _follow_accounts(keys: Sequence[Key]) -> None:
    """Copy the newest reported account of these ids to the connections that have them as current ids."""
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_connection c SET provider_user_id = event.provider_user_id
            FROM {looked_up("bigint", "text")} AS changed (integration_id, user_id)
            JOIN scopes_linkevent event ON event.user_id = changed.user_id
                AND event.integration_id = changed.integration_id AND event.what = 'account'
            WHERE c.user_id = changed.user_id AND c.integration_id = changed.integration_id AND c.merged_into_id IS NULL
              AND c.provider_user_id <> event.provider_user_id
            """,
            [numbers(integration for integration, _ in keys), texts(user_id for _, user_id in keys)],
        )


def _is_event(fact: ConnectionSeen, origin: Origin, *, ended: bool) -> bool:
    """Whether an observation of an id in use is an event. If it has days of data or webhooks, the pulse stores them."""
    if origin.kind in OF_MANY:
        return ended
    return fact.last_webhook_on is None and fact.last_data_on is None


def _keep_newest(
    newest: dict[tuple[Key, str], tuple[datetime, str]], of: tuple[Key, str], one: tuple[datetime, str]
) -> None:
    newest[of] = max(one, newest.get(of, one))


def _what(fact: ConnectionFact) -> str | None:
    if isinstance(fact, LinkChanged):
        return fact.state.value
    if isinstance(fact, IdReplaced):
        return LinkEvent.REPLACED
    return LinkEvent.CONSENTED if isinstance(fact, ConsentGiven) else None


def _insert_events(events: Collection[tuple[int, str, datetime, str, str]]) -> set[Key]:
    if not events:
        return set()
    integrations, names, moments, kinds, olds = zip(*sorted(events), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scopes_linkevent (integration_id, user_id, happened_at, what, old_user_id, provider_user_id)
            SELECT *, '' FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
            ON CONFLICT DO NOTHING RETURNING integration_id, user_id
            """,
            [numbers(integrations), texts(names), times(moments), texts(kinds), texts(olds)],
        )
        return set(cursor.fetchall())


def _insert_newest(newest: Mapping[tuple[Key, str], tuple[datetime, str]]) -> set[Key]:
    """Store when each id was last observed in use, and its newest account; returns the ids with something new."""
    if not newest:
        return set()
    ordered = sorted(newest.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO scopes_linkevent AS known
                (integration_id, user_id, what, happened_at, provider_user_id, old_user_id)
            SELECT *, '' FROM {looked_up("bigint", "text", "text", "timestamptz", "text")} AS newest
            ON CONFLICT (user_id, integration_id, what) WHERE what IN ('seen', 'account')
            DO UPDATE SET happened_at = excluded.happened_at, provider_user_id = excluded.provider_user_id
            WHERE (known.happened_at, known.provider_user_id) < (excluded.happened_at, excluded.provider_user_id)
            RETURNING integration_id, user_id
            """,
            [
                numbers(integration for ((integration, _), _), _ in ordered),
                texts(user_id for ((_, user_id), _), _ in ordered),
                texts(what for (_, what), _ in ordered),
                times(at for _, (at, _) in ordered),
                texts(account for _, (_, account) in ordered),
            ],
        )
        return set(cursor.fetchall())
