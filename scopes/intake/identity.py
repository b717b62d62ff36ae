"""Which connection a fact is about when its source changes ids, and which two records are one connection.

At Terra a reauth gives a new id, and tells of it in `auth` and `user_reauth`, which come in any order, or do not come.
So each id begins as a connection of its own, and is joined with the one before by the first of these that holds: the
source named the old id; the new id was made for a link of the old one, which does not work any more; both have the
same account; the old one does not work any more and the person has no other. Else they may be two: an agent decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, IdReplaced, LinkState
from scopes.intake import merge
from scopes.intake.effects import Read, Row, after
from scopes.intake.merge import By
from scopes.judge.policy import ConsentScreens
from scopes.models import Attempt, Connection, FormerId, Listing, Merge, Period, SuspectedDuplicate
from scopes.models.arrays import among, numbers, texts

Key = tuple[int, str]
Facts = Sequence[tuple[ConnectionFact, Read, ConsentScreens]]
Told = Mapping[Key, Facts]
Why = Merge.Why

ENDED = frozenset(
    {
        LinkState.INACTIVE,
        LinkState.REVOKED,
        LinkState.TOKEN_REJECTED,
        LinkState.DEAUTHORISED,
        LinkState.GONE,
        LinkState.CREDENTIAL_CHANGED,
    }
)
# A listing finds these, so they may have begun at any time since the listing before.
FOUND_LATER = frozenset({LinkState.INACTIVE, LinkState.GONE})
# A source that replaces an id may end the old one a moment after the new consent.
A_MOMENT = timedelta(minutes=10)

IN_USE = "The source still shows the id that did not work any more as one in use."
ANOTHER_NAMED = "The source named another id as the one that was replaced."


def wait_for_others(told: Told) -> None:
    """Hold the ids of consents until the transaction ends: who tells of the same ones at this moment comes after us."""
    ids = set()
    for (integration, user_id), facts in told.items():
        for fact, _, _ in facts:
            if isinstance(fact, ConsentGiven | IdReplaced):
                ids.add(f"{integration}:{user_id}")
            if isinstance(fact, IdReplaced) and fact.old_user_id:
                ids.add(f"{integration}:{fact.old_user_id}")
    if ids:
        with connection.cursor() as cursor:
            one_by_one = "SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM unnest(%s::text[]) AS held (id)"
            cursor.execute(one_by_one, [texts(sorted(ids))])


def without_former[Known: Facts](told: Mapping[Key, Known], by: By, now: datetime) -> tuple[dict[Key, Known], int]:
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


def _told_of_the_past(told: Told, by: By, now: datetime) -> Iterator[Key]:
    """Keep what is told of former ids beside their merges; the ids of those that were parted by it."""
    merges = Merge.objects.filter(survivor_user_id__in=[user_id for _, user_id in told], parted_at__isnull=True)
    for record in merges.select_for_update(of=("self",)).select_related("survivor").order_by("pk"):
        key = (record.survivor.integration_id, record.survivor_user_id)
        if key not in told:
            continue
        before = row = merge.without_merge(record)
        for fact, read, screens in told[key]:
            row = after(row, fact, read, screens)
        disproved = _works_again(before, row) or any(_is_in_use(fact, record.survivor) for fact, _, _ in told[key])
        if record.why == Why.INFERRED and disproved and not merge.why_not_part(record):
            merge.part(record.pk, By(by.name, IN_USE), now, for_good=False)
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


def join(told: Told, changed: Sequence[int], by: By, now: datetime) -> list[int]:
    """Join what is one, now that the facts are recorded; the ids of the connections that took another in.

    `changed` are the ids of the connections that are new, or of which something was told that counts here.
    """
    survivors: list[int] = []
    replaced: list[Key] = []
    for (integration, new_id), facts in told.items():
        for fact, _, _ in facts:
            if isinstance(fact, IdReplaced):
                if fact.old_user_id:
                    survivors += _replace(integration, fact.old_user_id, new_id, by, now)
                else:
                    replaced.append((integration, new_id))
    asked = {*changed, *survivors, *_alive(replaced)}
    suspected: set[tuple[int, int]] = set()
    while asked:
        took_in: list[int] = []
        minted = _minted_for(asked)
        for one, other in _not_told_apart(_by_consent([*_alike(asked), *minted])):
            rows = merge.hold(one, other)
            if len(rows) < 2 or merge.why_not(*rows):
                continue
            joined = _reason(rows[0], rows[1], minted, replaced)
            if joined is not None:
                why, survivor, absorbed = joined
                merge.merge(survivor.pk, absorbed.pk, why, by, now)
                took_in.append(survivor.pk)
            elif _same_person(*rows):
                suspected.add((one, other))
        survivors += took_in
        asked = set(took_in)
    _suspect(suspected, now)
    return survivors


def _by_consent(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each pair once, in the order of its ids; those of the earliest consents first, for a later one may follow it."""
    once = {(min(pair), max(pair)) for pair in pairs}
    if len(once) < 2:
        return list(once)
    rows = Connection.objects.filter(pk__in={pk for pair in once for pk in pair})
    began = {pk: consented or seen for pk, consented, seen in rows.values_list("pk", "consented_at", "first_seen_at")}
    return sorted(once, key=lambda pair: (sorted(began[pk] for pk in pair), pair))


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


ALIKE = """
    WITH asked AS MATERIALIZED (
        SELECT id, integration_id, person_id, reference_id, provider_user_id FROM scopes_connection
        WHERE id = ANY(%s::bigint[]) AND merged_into_id IS NULL
    )
    SELECT asked.id, other.id FROM asked JOIN scopes_connection other ON other.person_id = asked.person_id
    WHERE other.integration_id = asked.integration_id AND other.id <> asked.id AND other.merged_into_id IS NULL
    UNION
    SELECT asked.id, other.id FROM asked JOIN scopes_connection other ON other.reference_id = asked.reference_id
    WHERE other.person_id IS NULL AND other.reference_id <> '' AND asked.person_id IS NULL
      AND other.integration_id = asked.integration_id AND other.id <> asked.id AND other.merged_into_id IS NULL
    UNION
    SELECT asked.id, other.id FROM asked JOIN scopes_connection other
           ON other.provider_user_id = asked.provider_user_id AND other.integration_id = asked.integration_id
    WHERE asked.provider_user_id <> '' AND other.provider_user_id <> '' AND other.id <> asked.id
      AND other.merged_into_id IS NULL
"""


def _alike(asked: Iterable[int]) -> list[tuple[int, int]]:
    """Each of `asked` beside the others of its integration that have the same person or the same account."""
    with connection.cursor() as cursor:
        cursor.execute(ALIKE, [numbers(asked)])
        return [(one, other) for one, other in cursor.fetchall()]


def _minted_for(asked: set[int]) -> set[tuple[int, int]]:
    """(old, new): the new one's id was made for a link of the old one; one of them is among `asked`."""
    attempts = Attempt.objects.filter(link__connection__isnull=False).exclude(user_id="")
    attempts = attempts.select_related("link__connection")
    ids = Connection.objects.filter(pk__in=asked).values("user_id")
    minted = set()
    for attempt in (*attempts.filter(user_id__in=ids), *attempts.filter(link__connection__in=asked)):
        old = attempt.link.connection if attempt.link else None
        while old is not None and old.merged_into is not None:
            old = old.merged_into
        if old is not None:
            new = Connection.objects.filter(
                integration=old.integration_id, user_id=attempt.user_id, merged_into__isnull=True
            ).first()
            if new is not None and new.pk != old.pk:
                minted.add((old.pk, new.pk))
    return minted


def _not_told_apart(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """`pairs` without those that an agent told apart."""
    if not pairs:
        return []
    apart = SuspectedDuplicate.objects.filter(
        second__in=[second for _, second in pairs], state=SuspectedDuplicate.State.TWO
    )
    known = set(apart.values_list("first", "second"))
    return [pair for pair in pairs if pair not in known]


def _reason(
    one: Connection, other: Connection, minted: set[tuple[int, int]], replaced: Sequence[Key]
) -> tuple[Merge.Why, Connection, Connection] | None:
    """Why the two are one, which record goes on, and which is taken in; None where nothing proves it."""
    for old, new in ((one, other), (other, one)):
        if (old.pk, new.pk) in minted:
            said = (new.integration_id, new.user_id) in replaced
            completed = new.consented_at is not None or _link(new) is LinkState.ACTIVE
            if said or (_link(old) in ENDED and completed):
                return Why.MINTED, old, new
    if one.provider_user_id and one.provider_user_id == other.provider_user_id:
        new = merge.goes_on(one, other)
        return Why.ACCOUNT, other if new is one else one, new
    for old, new in ((one, other), (other, one)):
        if _same_person(old, new) and _is_successor(old, new) and _is_only_one(old, new) and not _was_parted(old, new):
            return Why.INFERRED, old, new
    return None


def _same_person(one: Connection, other: Connection) -> bool:
    if one.person_id is None or other.person_id is None:
        return bool(one.reference_id) and one.reference_id == other.reference_id
    return one.person_id == other.person_id


def _is_successor(old: Connection, new: Connection) -> bool:
    """The old one does not work any more, and gave no sign of life since the new one's consent."""
    link, began = _link(old), new.consented_at
    if link not in ENDED or began is None:
        return False
    pulse = getattr(old, "pulse", None)
    days = (pulse.last_webhook_on, pulse.last_data_on) if pulse else ()
    if any(day is not None and day > began.date() for day in days):
        return False
    if old.consented_at is not None and began < old.consented_at:
        return False
    if link not in FOUND_LATER:
        return began >= old.link_at - A_MOMENT
    doubted = Period.objects.filter(connection=old, standing__link=LinkState.DOUBTFUL.value).order_by("-since").first()
    missed_at = doubted.since if doubted else old.link_at
    held = Listing.objects.filter(
        source__integrations=old.integration_id,
        finished_at__lt=missed_at,
        started_at__gt=max(began, old.first_seen_at),
    )
    return not held.exclude(counts__has_key="abandoned").exists()


def _is_only_one(old: Connection, new: Connection) -> bool:
    """The person had no other connection at this integration when the new one's consent was given."""
    theirs = Q(reference_id=old.reference_id, person__isnull=True)
    if old.person_id is not None:
        theirs = Q(person=old.person_id)
    rows = Connection.objects.filter(theirs, integration=old.integration_id, merged_into__isnull=True)
    earlier = Q(consented_at__isnull=True) | Q(consented_at__lte=new.consented_at)
    return not rows.filter(earlier).exclude(pk__in=(old.pk, new.pk)).exists()


def _was_parted(old: Connection, new: Connection) -> bool:
    """They were joined before, and that turned out to be wrong."""
    return Merge.objects.filter(survivor=old, absorbed=new, parted_at__isnull=False).exists()


def _link(row: Connection) -> LinkState:
    return merge.facts_now(row).standing.link


def _suspect(pairs: Iterable[tuple[int, int]], now: datetime) -> None:
    alive = [
        SuspectedDuplicate(first_id=first, second_id=second, found_at=now)
        for first, second in pairs
        if Connection.objects.filter(pk__in=(first, second), merged_into__isnull=True).count() == 2
    ]
    SuspectedDuplicate.objects.bulk_create(alive, ignore_conflicts=True)
