"""Which connection a fact is about, when its source changes ids: renamed, merged, or an id of the past.

At Terra a reauth gives a new id, and tells of it in `auth` and `user_reauth`, which come in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from scopes.facts import ConnectionFact, ConsentGiven, IdReplaced, LinkState
from scopes.models import Attempt, Connection, FormerId, Period

Key = tuple[int, str]
Told = Sequence[tuple[ConnectionFact, object, object]]

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


def follow[Facts: Told](told: Mapping[Key, Facts], now: datetime) -> None:
    """Give connections the new ids that the facts tell of, so that the facts find them."""
    minted = _minted_for_links(told)
    for (integration, new_id), facts in told.items():
        for fact, _, _ in facts:
            old_id = _old_id(fact, minted.get((integration, new_id)))
            if old_id and old_id != new_id:
                replace_id(integration, old_id, new_id, now)


def _old_id(fact: ConnectionFact, meant: Connection | None) -> str | None:
    """The id that a consent replaces; `meant` is the connection for whose link the new id was minted, if it was.

    A consent alone replaces only what does not work any more: beside a working connection it may be another account.
    """
    if isinstance(fact, IdReplaced):
        return fact.old_user_id or (meant.user_id if meant else None)
    ended = meant is not None and LinkState(meant.standing.link) in ENDED
    return meant.user_id if meant and ended and isinstance(fact, ConsentGiven) else None


def _minted_for_links[Facts: Told](told: Mapping[Key, Facts]) -> dict[Key, Connection]:
    """The connections whose links the new ids were minted for."""
    wanted = [
        user_id
        for (_, user_id), facts in told.items()
        if any(isinstance(fact, ConsentGiven | IdReplaced) for fact, _, _ in facts)
    ]
    if not wanted:
        return {}
    attempts = Attempt.objects.filter(
        user_id__in=wanted, link__connection__isnull=False, link__connection__merged_into__isnull=True
    ).select_related("link__connection__standing")
    found = {}
    for attempt in attempts:
        if attempt.link is not None and (meant := attempt.link.connection) is not None:
            found[meant.integration_id, attempt.user_id] = meant
    return found


def replace_id(integration: int, old_id: str, new_id: str, now: datetime) -> None:
    """The connection known by `old_id` goes on under `new_id`; one that began under `new_id` merges into it."""
    with transaction.atomic():
        rows = {
            row.user_id: row
            for row in Connection.objects.select_for_update()
            .filter(integration=integration, user_id__in=[old_id, new_id], merged_into__isnull=True)
            .order_by("pk")
        }
        survivor = rows.get(old_id)
        if survivor is None:
            return
        younger = rows.get(new_id)
        if younger is not None:
            merge(younger, survivor, now)
        rename(survivor, new_id, now)


def rename(connection: Connection, new_id: str, now: datetime) -> None:
    """`connection` has a new id at its source; late facts under the old one are facts of the past."""
    FormerId.objects.get_or_create(
        user_id=connection.user_id,
        integration_id=connection.integration_id,
        defaults={"connection": connection, "replaced_at": now},
    )
    connection.user_id = new_id
    connection.save(update_fields=["user_id"])


def merge(younger: Connection, survivor: Connection, now: datetime) -> None:
    """`younger` turned out to be `survivor`: its last standing goes on there, its own periods end.

    Nothing is deleted, so a merge can be parted again.
    """
    last = Period.objects.get(connection=younger, until__isnull=True)
    Period.objects.filter(pk=last.pk).update(until=max(last.since, now))
    younger.merged_into = survivor
    younger.save(update_fields=["merged_into"])
    open_one = Period.objects.get(connection=survivor, until__isnull=True)
    since = max(open_one.since, last.since)
    Period.objects.filter(pk=open_one.pk).update(until=since)
    Period.objects.create(
        connection=survivor,
        standing_id=last.standing_id,
        since=since,
        origin=last.origin,
        origin_record=last.origin_record,
        happened_at=last.happened_at,
        received_at=last.received_at,
        unlisted=last.unlisted,
    )
    survivor.standing_id = last.standing_id
    survivor.consented_at = younger.consented_at or survivor.consented_at
    survivor.scopes_at = max(survivor.scopes_at, younger.scopes_at)
    survivor.link_at = max(survivor.link_at, younger.link_at)
    survivor.person_id = survivor.person_id or younger.person_id
    survivor.provider_user_id = younger.provider_user_id or survivor.provider_user_id
    survivor.save()


def without_former[Facts: Told](told: Mapping[Key, Facts]) -> tuple[dict[Key, Facts], int]:
    """`told` without facts about ids of the past, and how many ids those were."""
    if not told:
        return {}, 0
    former = set(
        FormerId.objects.filter(
            Q(user_id__in=[user_id for _, user_id in told]), integration__in={integration for integration, _ in told}
        ).values_list("integration_id", "user_id")
    )
    return {key: facts for key, facts in told.items() if key not in former}, len(former & told.keys())
