"""Decide which ids are one connection when something new is reported, and merge or unmerge accordingly.

A reauth may give a new id, and what is reported of it comes in any order, or not at all. So each id begins as a
connection of its own, and the events of its link are stored by id. Whenever there is a new one, it is decided again
which ids are one (see `decision`). Nothing of this runs for a source whose kind keeps ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import connection

from scopes.facts import ConsentGiven, IdReplaced, LinkChanged
from scopes.intake.matching import former_ids, merge, suspected_duplicates, unmerge
from scopes.intake.matching.candidates import Family, Listings, join_of, read
from scopes.intake.matching.decision import Context, Group, decide
from scopes.intake.matching.related import families
from scopes.intake.recording.row import FactsByKey, Key, Row
from scopes.models import Connection, Merge
from scopes.models.arrays import looked_up, numbers, texts
from scopes.models.trail import Act


def lock_ids(reported: FactsByKey) -> None:
    """Lock the ids of consents and ended links, and their reference ids, until the transaction ends.

    Matching compares all ids of a person, so another process that records facts about the same person waits.
    """
    ids = set()
    for (integration, user_id), facts in reported.items():
        for fact, *_ in facts:
            if isinstance(fact, ConsentGiven | IdReplaced):
                ids |= {f"{integration}:{user_id}", f"{integration}/{fact.reference_id or user_id}"}
            elif isinstance(fact, LinkChanged) and fact.reference_id:
                ids.add(f"{integration}/{fact.reference_id}")
            if isinstance(fact, IdReplaced) and fact.old_user_id:
                ids.add(f"{integration}:{fact.old_user_id}")
    if ids:
        with connection.cursor() as cursor:
            one_by_one = "SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM unnest(%s::text[]) AS locked (id)"
            cursor.execute(one_by_one, [texts(sorted(ids))])


def matters(before: Row, row: Row) -> bool:
    """Whether a connection that changes from `before` to `row` must be compared with the others of its person again."""
    return (
        before.standing.link is not row.standing.link
        or before.consented_at != row.consented_at
        or before.reference_id != row.reference_id
        or before.provider_user_id != row.provider_user_id
    )


def reconcile(changed: Iterable[int], news: Collection[Key], act: Act, now: datetime) -> list[int]:
    """Decide again which ids are one, and merge and unmerge accordingly; the survivors of new merges.

    `changed` are connections with a change that matters, `news` ids with new link events.
    """
    wanted = {*changed, *_current(news)}
    related = families(wanted) if wanted else []
    if not related:
        return []
    listings: dict[int, Listings] = {}
    names: dict[tuple[int, str], int] = {}
    current: set[int] = set()
    duplicates = suspected_duplicates.Changes()
    survivors: list[int] = []
    accounts: dict[int, str] = {}
    for family in read(related, act.name):
        of_integration = listings.setdefault(family.integration, Listings(family.integration))
        context = Context(family.minted, family.marked_distinct, of_integration.any_between, family.fixed)
        groups = decide(family.ids, context)
        alive, merged = _apply(family, groups, act, now)
        survivors += merged
        names |= former_ids.named_as_replaced(family, groups, alive)
        duplicates.add(family, groups, context, alive)
        accounts |= _accounts(groups, alive)
        current |= set(alive.values())
    _write_accounts(accounts)
    former_ids.delete_current(current)
    former_ids.write(names, now)
    duplicates.write(act, now)
    return survivors


def _current(keys: Collection[Key]) -> Iterator[int]:
    """The connections whose current or former ids these are."""
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH wanted AS MATERIALIZED (
                SELECT * FROM {looked_up("bigint", "text")} AS wanted (integration_id, user_id)
            )
            SELECT c.id FROM wanted JOIN scopes_connection c
            ON c.user_id = wanted.user_id AND c.integration_id = wanted.integration_id AND c.merged_into_id IS NULL
            UNION
            SELECT former.connection_id FROM wanted JOIN scopes_formerid former
            ON former.user_id = wanted.user_id AND former.integration_id = wanted.integration_id
            """,
            [numbers(integration for integration, _ in keys), texts(user_id for _, user_id in keys)],
        )
        yield from (pk for (pk,) in cursor.fetchall())


def _apply(family: Family, groups: Sequence[Group], act: Act, now: datetime) -> tuple[dict[str, int], list[int]]:
    """Merge and unmerge as decided; the connections by their current ids, and the survivors of new merges."""
    kept = _undo(family, groups, act, now)
    alive = family.alive
    if len(kept) < sum(map(len, family.free)):
        alive = _alive(family)
    survivors = []
    for group in groups:
        for wanted in group.joins:
            record = kept.get(wanted[:2])
            if record is None:
                merge.merge(alive[wanted.survivor], alive[wanted.absorbed], wanted.why, act, now)
                survivors.append(alive.pop(wanted.survivor))
                alive[wanted.absorbed] = survivors[-1]
            elif record.why != wanted.why:
                Merge.objects.filter(pk=record.pk).update(why=wanted.why)
    return alive, survivors


def _undo(family: Family, groups: Sequence[Group], act: Act, now: datetime) -> dict[tuple[str, str], Merge]:
    """Undo the merges that were decided otherwise or in another order, the latest first; those that are kept."""
    made = {join_of(record)[:2] for records in family.free for record in records}
    stays: set[tuple[str, str]] = set()
    for group in groups:
        for wanted in group.joins:
            if wanted[:2] not in made:
                break
            stays.add(wanted[:2])
    kept: dict[tuple[str, str], Merge] = {}
    for records in family.free:
        right = next((n for n, record in enumerate(records) if join_of(record)[:2] not in stays), len(records))
        for record in reversed(records[right:]):
            unmerge.undo_for_news(record, act, now)
        kept |= {join_of(record)[:2]: record for record in records[:right]}
    return kept


def _alive(family: Family) -> dict[str, int]:
    rows = Connection.objects.filter(pk__in=[one.pk for one in family.ids], merged_into__isnull=True)
    return dict(rows.values_list("user_id", "pk"))


def _accounts(groups: Sequence[Group], alive: Mapping[str, int]) -> dict[int, str]:
    """The account of each connection: of its current id, else of the newest other id that has one."""
    return {
        alive[group.head.user_id]: next((one.account for one in (group.head, *reversed(group.ids)) if one.account), "")
        for group in groups
    }


def _write_accounts(accounts: Mapping[int, str]) -> None:
    if not any(accounts.values()):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE scopes_connection c SET provider_user_id = own.account
            FROM {looked_up("bigint", "text")} AS own (id, account)
            WHERE c.id = own.id AND c.provider_user_id <> own.account
            """,
            [numbers(accounts), texts(accounts.values())],
        )
