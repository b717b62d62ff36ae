"""Two connections that may be one: whether they can be merged, and what the decision is made on."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from scopes.facts import LinkState
from scopes.judge.standing import facts_of
from scopes.models import Connection

CHANGED = "One of them changed since the page was shown. Nothing was done: look at both again."


class CannotMerge(Exception):
    """The two cannot be merged; the message says why."""


def why_not(one: Connection, other: Connection) -> str:
    """Why the two cannot be merged; empty where they can."""
    if one.pk == other.pk:
        return "These are the same connection."
    if one.merged_into_id is not None or other.merged_into_id is not None:
        return "One of them has already been merged. Reload the person's page."
    if one.integration_id != other.integration_id:
        return "They belong to different providers or sources."
    if one.provider_user_id and other.provider_user_id and one.provider_user_id != other.provider_user_id:
        return "They use different accounts at the provider, so they are two connections."
    if one.reference_id and other.reference_id and one.reference_id != other.reference_id:
        return "They belong to different people."
    return ""


def continuing(one: Connection, other: Connection) -> Connection:
    """The one whose id and facts continue if the two are merged: the one that works, else that of the newer consent."""
    standings = facts_of([one.standing_id, other.standing_id])

    def rank(row: Connection) -> tuple[bool, datetime, int]:
        return (
            standings[row.standing_id].link is LinkState.ACTIVE,
            row.consented_at or row.first_seen_at,
            row.pk,
        )

    return max(one, other, key=rank)


def version_of(one: Connection, other: Connection) -> str:
    """A digest of what a merge of the two is decided on: it differs once either of them has changed."""
    values = [
        (
            row.pk, row.user_id, row.person_id, row.reference_id, row.standing_id, row.consented_at, row.scopes_at,
            row.link_at, row.provider_user_id, row.merged_into_id,
        )
        for row in sorted((one, other), key=lambda row: row.pk)
    ]  # fmt: skip
    return sha256(repr([continuing(one, other).pk, *values]).encode()).hexdigest()[:32]


def lock(*pks: int) -> list[Connection]:
    """These connections, locked until the transaction ends, in the given order."""
    rows = Connection.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    found = {row.pk: row for row in rows}
    return [found[pk] for pk in pks if pk in found]
