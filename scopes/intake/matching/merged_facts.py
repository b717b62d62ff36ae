"""What is known of two connections that are one, and of each once they are parted: pure, but for reading a standing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Connection


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one connection, apart from its person: the part that a merge moves."""

    standing: StandingFacts
    consented_at: datetime | None
    scopes_at: datetime
    link_at: datetime
    provider_user_id: str


def facts_now(row: Connection) -> Facts:
    """The facts that stand on a connection."""
    standing = facts_of([row.standing_id])[row.standing_id]
    return Facts(standing, row.consented_at, row.scopes_at, row.link_at, row.provider_user_id)


def joined(stays: Facts, goes_on: Facts) -> Facts:
    """The facts of both in one: of the id that goes on, and of the other where that one's source did not tell."""
    told = goes_on.standing
    standing = told._replace(waived=stays.standing.waived | told.waived, plan=stays.standing.plan or told.plan)
    if told.reported is None:
        earlier = stays.standing.earlier if goes_on.consented_at is None else frozenset[str]()
        reported, unlisted = stays.standing.reported, stays.standing.unlisted
        standing = standing._replace(reported=reported, unlisted=unlisted, earlier=earlier)
    if goes_on.consented_at is None:
        standing = standing._replace(consent_version=stays.standing.consent_version)
    return Facts(
        standing=standing,
        consented_at=goes_on.consented_at or stays.consented_at,
        scopes_at=stays.scopes_at if told.reported is None else goes_on.scopes_at,
        link_at=goes_on.link_at,
        provider_user_id=goes_on.provider_user_id or stays.provider_user_id,
    )


def parted(own: Facts, before: Facts, at_merge: StandingFacts, now: Facts) -> Facts:
    """The facts of the id that went on, once the merge is parted: its own, and what was told of it since.

    `own` and `before` are those of both connections at the merge, which made `at_merge` of them; `now` are the facts
    of the merged connection. What has not changed since was its own, or was the other's and goes back.
    """
    standing, today = own.standing, now.standing
    told = (today.reported, today.unlisted, today.earlier) != (at_merge.reported, at_merge.unlisted, at_merge.earlier)
    if told:
        standing = standing._replace(reported=today.reported, unlisted=today.unlisted, earlier=today.earlier)
    consented = own.consented_at is not None or now.consented_at != before.consented_at
    return Facts(
        standing=standing._replace(link=today.link),
        consented_at=now.consented_at if consented else None,
        scopes_at=now.scopes_at if told or own.standing.reported is not None else own.scopes_at,
        link_at=now.link_at,
        provider_user_id=own.provider_user_id
        if now.provider_user_id == (own.provider_user_id or before.provider_user_id)
        else now.provider_user_id,
    )
