"""The facts of two connections that are merged, and of each once they are unmerged. Pure where nothing is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scopes.judge.rules import StandingFacts
from scopes.judge.standing import facts_of
from scopes.models import Connection, Merge


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one connection that a merge moves; its person is not among them."""

    standing: StandingFacts
    consented_at: datetime | None
    scopes_at: datetime
    link_at: datetime
    provider_user_id: str


def facts_now(row: Connection) -> Facts:
    """The facts that are on the connection now."""
    standing = facts_of([row.standing_id])[row.standing_id]
    return Facts(standing, row.consented_at, row.scopes_at, row.link_at, row.provider_user_id)


def facts_before(record: Merge) -> Facts:
    """The facts of the former id, which the merge stores."""
    standing = facts_of([record.standing_id])[record.standing_id]
    return Facts(standing, record.consented_at, record.scopes_at, record.link_at, record.provider_user_id)


def joined(former: Facts, continuing: Facts) -> Facts:
    """The facts of both in one: of the id that continues, and of the other one where none were reported for that id."""
    newer, older = continuing.standing, former.standing
    standing = newer._replace(waived=older.waived | newer.waived, plan=older.plan or newer.plan)
    if newer.reported is None:
        earlier = older.earlier if continuing.consented_at is None else frozenset[str]()
        standing = standing._replace(reported=older.reported, unlisted=older.unlisted, earlier=earlier)
    if continuing.consented_at is None:
        standing = standing._replace(consent_version=older.consent_version)
    return Facts(
        standing=standing,
        consented_at=continuing.consented_at or former.consented_at,
        scopes_at=former.scopes_at if newer.reported is None else continuing.scopes_at,
        link_at=continuing.link_at,
        provider_user_id=continuing.provider_user_id or former.provider_user_id,
    )


def unmerged(own: Facts, before: Facts, at_merge: StandingFacts, now: Facts) -> Facts:
    """The facts of the id that continued, once the merge is undone: its own, and what was reported of it since.

    `own` are its facts at the merge, `before` those of the former id, `at_merge` the standing of both in one; `now` are
    the facts of the merged connection. What has not changed since the merge was its own, or returns to the other.
    """
    standing, today = own.standing, now.standing
    reported = (today.reported, today.unlisted, today.earlier) != (
        at_merge.reported,
        at_merge.unlisted,
        at_merge.earlier,
    )
    if reported:
        standing = standing._replace(reported=today.reported, unlisted=today.unlisted, earlier=today.earlier)
    consented = own.consented_at is not None or now.consented_at != before.consented_at
    return Facts(
        standing=standing._replace(link=today.link),
        consented_at=now.consented_at if consented else None,
        scopes_at=now.scopes_at if reported or own.standing.reported is not None else own.scopes_at,
        link_at=now.link_at,
        provider_user_id=own.provider_user_id
        if now.provider_user_id == (own.provider_user_id or before.provider_user_id)
        else now.provider_user_id,
    )
