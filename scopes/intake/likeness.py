"""What proves two connections to be one, or makes it likely: the rules, and the pairs to ask them of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import connection
from django.db.models import Q

from scopes.facts import LinkState
from scopes.intake import merge
from scopes.intake.merged_facts import facts_now
from scopes.models import Connection, Listing, Merge, Period
from scopes.models.arrays import numbers

Key = tuple[int, str]
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

# Of more than these one cannot tell anyhow which is which.
MOST_ALIKE = 50

# Each LIMIT makes it look into an index for each of `asked`, and "+ 0" keeps it from the wrong one: while a table has
# no statistics, PostgreSQL would rather read all that was recorded before, in each batch of a first listing.
ALIKE = f"""
    WITH asked AS MATERIALIZED (
        SELECT id, integration_id, person_id, reference_id, provider_user_id FROM scopes_connection
        WHERE id = ANY(%s::bigint[]) AND merged_into_id IS NULL
    )
    SELECT asked.id, other.id FROM asked CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.person_id = asked.person_id AND same.integration_id + 0 = asked.integration_id
          AND same.id <> asked.id AND same.merged_into_id + 0 IS NULL
        LIMIT {MOST_ALIKE}
    ) other WHERE asked.person_id IS NOT NULL
    UNION
    SELECT asked.id, other.id FROM asked CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.reference_id = asked.reference_id AND same.reference_id <> '' AND same.person_id IS NULL
          AND same.integration_id + 0 = asked.integration_id AND same.id <> asked.id AND same.merged_into_id + 0 IS NULL
        LIMIT {MOST_ALIKE}
    ) other WHERE asked.person_id IS NULL AND asked.reference_id <> ''
    UNION
    SELECT asked.id, other.id FROM asked CROSS JOIN LATERAL (
        SELECT id FROM scopes_connection same
        WHERE same.provider_user_id = asked.provider_user_id AND same.provider_user_id <> ''
          AND same.integration_id = asked.integration_id AND same.id <> asked.id AND same.merged_into_id IS NULL
        LIMIT {MOST_ALIKE}
    ) other WHERE asked.provider_user_id <> ''
"""


def alike(asked: Iterable[int]) -> list[tuple[int, int]]:
    """Each of `asked` beside the others of its integration that have the same person or the same account."""
    with connection.cursor() as cursor:
        cursor.execute(ALIKE, [numbers(asked)])
        return [(one, other) for one, other in cursor.fetchall()]


MINTED = """
    SELECT link.connection_id, attempt.user_id FROM scopes_connection asked
    JOIN scopes_attempt attempt ON attempt.user_id = asked.user_id AND attempt.user_id <> ''
    JOIN scopes_reauthlink link ON link.id = attempt.link_id
    WHERE asked.id = ANY(%(asked)s::bigint[]) AND link.connection_id IS NOT NULL
    UNION
    SELECT link.connection_id, attempt.user_id FROM scopes_reauthlink link
    JOIN scopes_attempt attempt ON attempt.link_id = link.id AND attempt.user_id <> ''
    WHERE link.connection_id = ANY(%(asked)s::bigint[])
"""


def minted_for(asked: Iterable[int]) -> set[tuple[int, int]]:
    """(old, new): the new one's id was made for a link of the old one; one of them is among `asked`."""
    with connection.cursor() as cursor:
        cursor.execute(MINTED, {"asked": numbers(asked)})
        found = cursor.fetchall()
    minted = set()
    for meant, user_id in found:
        old = Connection.objects.get(pk=meant)
        while old.merged_into is not None:
            old = old.merged_into
        new = Connection.objects.filter(integration=old.integration_id, user_id=user_id, merged_into__isnull=True)
        minted |= {(old.pk, row.pk) for row in new if row.pk != old.pk}
    return minted


def by_consent(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each pair once, in the order of its ids; those of the earliest consents first, for a later one may follow it."""
    once = {(min(pair), max(pair)) for pair in pairs}
    if len(once) < 2:
        return list(once)
    rows = Connection.objects.filter(pk__in={pk for pair in once for pk in pair})
    began = {pk: consented or seen for pk, consented, seen in rows.values_list("pk", "consented_at", "first_seen_at")}
    return sorted(once, key=lambda pair: (sorted(began[pk] for pk in pair), pair))


def why_one(
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
        if same_person(old, new) and _is_successor(old, new) and _is_only_one(old, new) and not _was_parted(old, new):
            return Why.INFERRED, old, new
    return None


def same_person(one: Connection, other: Connection) -> bool:
    """Whether both have the same person; while none is known, the same reference id."""
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
    before = Period.objects.filter(connection=old).exclude(standing__link=link.value).order_by("-since", "-pk")
    doubted = before.select_related("standing").first()
    was_missed = doubted is not None and doubted.standing.link == LinkState.DOUBTFUL
    missed_at = doubted.happened_at if doubted is not None and was_missed else old.link_at
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
    return facts_now(row).standing.link
