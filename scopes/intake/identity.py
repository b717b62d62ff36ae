"""Which connection a fact is about when its source changes ids, and which two records are one connection.

At Terra a reauth gives a new id, and tells of it in `auth` and `user_reauth`, which come in any order, or do not come.
So each id begins as a connection of its own, and is joined with the one before by the first of these that holds: the
source named the old id; the new id was made for a link of the old one, which does not work any more; both have the
same account; the old one does not work any more and the person has no other. Else they may be two: an agent decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import connection

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, IdReplaced, LinkState
from scopes.intake import merge
from scopes.intake.effects import Row, Told, after
from scopes.intake.likeness import A_MOMENT, ENDED, Key, alike, by_consent, minted_for, same_person, why_one
from scopes.intake.merge import By
from scopes.models import Connection, FormerId, Merge, SuspectedDuplicate
from scopes.models.arrays import among, texts

ToldOfEach = Mapping[Key, Sequence[Told]]
Why = Merge.Why

IN_USE = "The source still shows the id that did not work any more as one in use."
ANOTHER_NAMED = "The source named another id as the one that was replaced."


def wait_for_others(told: ToldOfEach) -> None:
    """Hold the ids of consents, and whose they are, until the transaction ends.

    Which two are one is asked of all that a person has, so who tells of the same at this moment comes after us.
    """
    ids = set()
    for (integration, user_id), facts in told.items():
        for fact, *_ in facts:
            if isinstance(fact, ConsentGiven | IdReplaced):
                ids |= {f"{integration}:{user_id}", f"{integration}/{fact.reference_id or user_id}"}
            if isinstance(fact, IdReplaced) and fact.old_user_id:
                ids.add(f"{integration}:{fact.old_user_id}")
    if ids:
        with connection.cursor() as cursor:
            one_by_one = "SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM unnest(%s::text[]) AS held (id)"
            cursor.execute(one_by_one, [texts(sorted(ids))])


def without_former(told: Mapping[Key, list[Told]], by: By, now: datetime) -> tuple[dict[Key, list[Told]], int]:
    """`told` without what is about ids of the past, and how many ids those were.

    What is told of them is kept beside the merge that made them former ids. Where one was joined only because it did
    not work any more, and it turns out to be in use, the two are parted.
    """
    if not told:
        return {}, 0
    former = {
        (row.integration_id, row.user_id)
        for row in among(FormerId.objects.all(), "user_id", (user_id for _, user_id in told))
        if (row.integration_id, row.user_id) in told
    }
    if former:
        ids = [user_id for _, user_id in former]
        alive = Connection.objects.filter(user_id__in=ids, merged_into__isnull=True)
        former -= set(alive.values_list("integration_id", "user_id"))
        former -= set(_told_of_the_past({key: told[key] for key in former}, by, now))
    return {key: facts for key, facts in told.items() if key not in former}, len(former)


def _told_of_the_past(told: ToldOfEach, by: By, now: datetime) -> Iterator[Key]:
    """Keep what is told of former ids beside their merges; the ids of those that were parted by it."""
    merges = Merge.objects.filter(survivor_user_id__in=[user_id for _, user_id in told], parted_at__isnull=True)
    for record in merges.select_for_update(of=("self",)).select_related("survivor").order_by("pk"):
        key = (record.survivor.integration_id, record.survivor_user_id)
        if key not in told:
            continue
        before = row = merge.without_merge(record)
        for fact, read, screens, _ in told[key]:
            row = after(row, fact, read, screens)
        disproved = _works_again(before, row) or any(_is_in_use(fact, record.survivor) for fact, *_ in told[key])
        if record.why == Why.INFERRED and disproved and not merge.why_not_part(record):
            merge.part(record.pk, By(by.name, IN_USE), now, for_good=False)
            _suspect([(min(record.survivor_id, record.absorbed_id), max(record.survivor_id, record.absorbed_id))], now)
            yield key
        elif row != before:
            merge.keep_apart(record, row)


def _works_again(before: Row, row: Row) -> bool:
    return before.standing.link in ENDED and row.standing.link is LinkState.ACTIVE


def _is_in_use(fact: ConnectionFact, survivor: Connection) -> bool:
    """The source shows the former id as active after the consent that should have replaced it."""
    consented_at = survivor.consented_at
    shown = isinstance(fact, ConnectionSeen) and fact.active is True
    return shown and consented_at is not None and fact.happened_at > consented_at + A_MOMENT


def may_be_another(before: Row, row: Row) -> bool:
    """Whether a connection that goes from `before` to `row` must be compared with the others of its person anew."""
    return (
        before.standing.link is not row.standing.link
        or before.consented_at != row.consented_at
        or before.reference_id != row.reference_id
        or before.provider_user_id != row.provider_user_id
    )


def join(told: ToldOfEach, changed: Sequence[int], by: By, now: datetime) -> list[int]:
    """Join what is one, now that the facts are recorded; the ids of the connections that took another in.

    `changed` are the ids of the connections that are new, or of which something was told that counts here.
    """
    survivors: list[int] = []
    replaced: list[Key] = []
    for (integration, new_id), facts in told.items():
        for fact, *_ in facts:
            if isinstance(fact, IdReplaced):
                if fact.old_user_id:
                    survivors += _replace(integration, fact.old_user_id, new_id, by, now)
                else:
                    replaced.append((integration, new_id))
    asked = {*changed, *survivors, *_alive(replaced)}
    while asked:
        asked = set(_join_alike(asked, replaced, by, now))
        survivors += asked
    return survivors


def _join_alike(asked: set[int], replaced: Sequence[Key], by: By, now: datetime) -> list[int]:
    """Join each of `asked` with what it is proved to be one with, or suspect it; those that took another in."""
    took_in = []
    suspected: set[tuple[int, int]] = set()
    minted = minted_for(asked)
    for one, other in _not_told_apart(by_consent([*alike(asked), *minted])):
        rows = merge.hold(one, other)
        if len(rows) < 2:
            continue
        if trouble := merge.why_not(*rows):
            _suspect_no_more(one, other, By(by.name, trouble), now)
        elif joined := why_one(rows[0], rows[1], minted, replaced):
            why, survivor, absorbed = joined
            merge.merge(survivor.pk, absorbed.pk, why, by, now)
            took_in.append(survivor.pk)
        elif same_person(*rows):
            suspected.add((one, other))
    _suspect(suspected, now)
    return took_in


def _replace(integration: int, old_id: str, new_id: str, by: By, now: datetime) -> Iterator[int]:
    """The source named the id that it replaced: what was known by `old_id` goes on under `new_id`."""
    old = Connection.objects.filter(integration=integration, user_id=old_id, merged_into__isnull=True).first()
    new = _known_by(integration, new_id)
    if new is None or (old is not None and old.pk == new.pk):
        return
    if old is None:
        made = FormerId.objects.get_or_create(
            user_id=old_id, integration_id=integration, defaults={"connection": new, "replaced_at": now}
        )[1]
        if not made:
            certain = Merge.objects.filter(survivor=new, survivor_user_id=old_id, parted_at__isnull=True)
            certain.exclude(why__in=(Why.OLD_USER, Why.AGENT)).update(why=Why.OLD_USER)
        return
    guess = Merge.objects.filter(survivor=new, absorbed_user_id=new.user_id, why=Why.INFERRED, parted_at__isnull=True)
    for record in guess.select_related("survivor"):
        if not merge.why_not_part(record):
            merge.part(record.pk, By(by.name, ANOTHER_NAMED), now, for_good=False)
            new = record.absorbed
    for _ in _not_told_apart([(min(old.pk, new.pk), max(old.pk, new.pk))]):
        rows = merge.hold(old.pk, new.pk)
        if not merge.why_not(*rows):
            merge.merge(old.pk, new.pk, Why.OLD_USER, by, now)
            yield old.pk


def _known_by(integration: int, user_id: str) -> Connection | None:
    """The connection that goes by this id today, or went by it and goes on."""
    alive = Connection.objects.filter(integration=integration, user_id=user_id, merged_into__isnull=True).first()
    if alive is not None:
        return alive
    former = FormerId.objects.select_related("connection").filter(integration=integration, user_id=user_id).first()
    found = former.connection if former else None
    while found is not None and found.merged_into is not None:
        found = found.merged_into
    return found


def _alive(keys: Iterable[Key]) -> list[int]:
    wanted = set(keys)
    if not wanted:
        return []
    rows = Connection.objects.filter(user_id__in=[user_id for _, user_id in wanted], merged_into__isnull=True)
    return [pk for pk, *key in rows.values_list("pk", "integration_id", "user_id") if tuple(key) in wanted]


def _not_told_apart(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """`pairs` without those that an agent told apart."""
    if not pairs:
        return []
    apart = SuspectedDuplicate.objects.filter(
        second__in=[second for _, second in pairs], state=SuspectedDuplicate.State.TWO
    )
    known = set(apart.values_list("first", "second"))
    return [pair for pair in pairs if pair not in known]


def _suspect_no_more(first: int, second: int, by: By, now: datetime) -> None:
    """What was learnt since proves that the two are two."""
    pair = SuspectedDuplicate.objects.filter(first=first, second=second, state=SuspectedDuplicate.State.OPEN)
    pair = pair.filter(first__merged_into__isnull=True, second__merged_into__isnull=True)
    pair.update(state=SuspectedDuplicate.State.TWO, ended_at=now, author=by.name, reason=by.reason)


def _suspect(pairs: Iterable[tuple[int, int]], now: datetime) -> None:
    alive = [
        SuspectedDuplicate(first_id=first, second_id=second, found_at=now)
        for first, second in pairs
        if Connection.objects.filter(pk__in=(first, second), merged_into__isnull=True).count() == 2
    ]
    SuspectedDuplicate.objects.bulk_create(alive, ignore_conflicts=True)
