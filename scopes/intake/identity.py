"""Which connection a fact is about, when its source changes ids: renamed, merged, or an id of the past.

At Terra a reauth gives a new id, and tells of it in `auth` and `user_reauth`, which come in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, IdReplaced, LinkState
from scopes.judge.standing import facts_of, intern
from scopes.models import Attempt, Connection, FormerId, Period
from scopes.models.arrays import among

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


def follow[Facts: Told](told: Mapping[Key, Facts], now: datetime) -> dict[Key, Connection]:
    """Give connections the new ids that the facts tell of, so that the facts find them.

    Returns the connections for whose links ids among them were minted.
    """
    minted = _minted_for_links(told)
    for (integration, new_id), facts in told.items():
        for fact, _, _ in facts:
            old_id = _old_id(fact, minted.get((integration, new_id)))
            if old_id and old_id != new_id:
                replace_id(integration, old_id, new_id, now)
    return minted


def join_seen[Facts: Told](told: Mapping[Key, Facts], minted: Mapping[Key, Connection], now: datetime) -> None:
    """Where no webhook told of a consent: what is seen under a minted id goes on in the link's ended connection.

    Called once the facts are recorded, for a sight alone says nothing of the state of the link.
    """
    for (integration, new_id), meant in minted.items():
        seen = any(isinstance(fact, ConnectionSeen) and fact.active for fact, _, _ in told[integration, new_id])
        if seen and meant.user_id != new_id and LinkState(meant.standing.link) in ENDED:
            replace_id(integration, meant.user_id, new_id, now)


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
    attempts = Attempt.minted_for(user_id for _, user_id in told).filter(
        link__connection__isnull=False, link__connection__merged_into__isnull=True
    )
    found = {}
    for attempt in attempts.select_related("link__connection__standing"):
        if attempt.link is not None and (meant := attempt.link.connection) is not None:
            found[meant.integration_id, attempt.user_id] = meant
    return found


def replace_id(integration: int, old_id: str, new_id: str, now: datetime) -> None:
    """The connection known by `old_id` goes on under `new_id`; one that began under `new_id` merges into it."""
    with transaction.atomic():
        new_id = _newest(integration, new_id)
        if new_id == old_id:
            return
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


def _newest(integration: int, user_id: str) -> str:
    """The id under which the connection once known by `user_id` goes on; `user_id` where nobody replaced it."""
    former = FormerId.objects.select_related("connection").filter(integration=integration, user_id=user_id).first()
    if former is None:
        return user_id
    connection = former.connection
    while connection.merged_into is not None:
        connection = connection.merged_into
    return connection.user_id


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
    known = facts_of([younger.standing_id, survivor.standing_id])
    before, after = known[survivor.standing_id], known[younger.standing_id]
    if after.reported is None:
        after = replace(after, reported=before.reported, unlisted=before.unlisted)
    else:
        survivor.scopes_at = younger.scopes_at
    if younger.consented_at is None:
        after = replace(after, consent_version=before.consent_version)
    else:
        survivor.consented_at = younger.consented_at
    # What is ours to know and not the source's: the person's plan, and the "no" that we respect.
    plan = before.plan if survivor.person_id else after.plan
    after = replace(after, waived=before.waived, plan=plan)
    survivor.standing_id = intern([after])[after]
    survivor.link_at = younger.link_at
    survivor.person_id = survivor.person_id or younger.person_id
    survivor.reference_id = survivor.reference_id or younger.reference_id
    survivor.provider_user_id = younger.provider_user_id or survivor.provider_user_id
    survivor.save()
    _go_on(survivor, last, now)


def _go_on(survivor: Connection, last: Period, now: datetime) -> None:
    """Open the survivor's next period, for the fact that the merged connection's last one came from.

    That it is a fact of the survivor's is known only since `now`.
    """
    open_one = Period.objects.get(connection=survivor, until__isnull=True)
    if open_one.standing_id == survivor.standing_id:
        return
    since = max(open_one.since, last.since)
    Period.objects.filter(pk=open_one.pk).update(until=since)
    Period.objects.create(
        connection=survivor,
        standing_id=survivor.standing_id,
        since=since,
        origin=last.origin,
        origin_record=last.origin_record,
        happened_at=last.happened_at,
        received_at=now,
        consented_at=survivor.consented_at,
        unlisted=last.unlisted,
    )


def remember_former[Facts: Told](told: Mapping[Key, Facts], now: datetime) -> None:
    """Note the old ids that the facts tell of and that nobody knew: what is still said of them is of the past."""
    replaced = {
        (integration, fact.old_user_id): new_id
        for (integration, new_id), facts in told.items()
        for fact, _, _ in facts
        if isinstance(fact, IdReplaced) and fact.old_user_id and fact.old_user_id != new_id
    }
    for (integration, old_id), new_id in replaced.items():
        known = Connection.objects.filter(integration=integration, user_id__in=[old_id, new_id])
        alive = {row.user_id: row for row in known.filter(merged_into__isnull=True)}
        if new_id in alive and old_id not in alive:
            FormerId.objects.get_or_create(
                user_id=old_id,
                integration_id=integration,
                defaults={"connection": alive[new_id], "replaced_at": now},
            )


def without_former[Value](told: Mapping[Key, Value]) -> tuple[dict[Key, Value], int]:
    """`told` without what is about ids of the past, and how many ids those were."""
    if not told:
        return {}, 0
    former = set(
        among(FormerId.objects.all(), "user_id", (user_id for _, user_id in told)).values_list(
            "integration_id", "user_id"
        )
    )
    return {key: facts for key, facts in told.items() if key not in former}, len(former & told.keys())
