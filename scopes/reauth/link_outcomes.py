"""The outcome of a link: fixed, partly, unchanged, failed or another account. Written with its entry in the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from scopes.models import Attempt, Connection, ReauthLink, TrailEntry
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.outbox import announce
from scopes.reauth.progress import THE_LINK, connections_of, judgements_of, missing
from scopes.reauth.stopped_messages import Why, stop_messages

SECOND_CONNECTION = "A second connection was created"
OTHER_ACCOUNT = "The person consented with another account at the provider"

Outcome = ReauthLink.Outcome


class LinkOutcomes:
    """New outcomes of links, written together: two statements however many there are.

    `reported_by` is the name in the activity log.
    """

    def __init__(self, reported_by: str, now: datetime) -> None:
        self.reported_by, self.now = reported_by, now
        self.changed: dict[int, ReauthLink] = {}
        self.entries: list[TrailEntry] = []
        self.settled: dict[int, ReauthLink] = {}

    def attach(self, link: ReauthLink, connection: Connection) -> None:
        """From now on the link is about this connection."""
        link.connection = connection
        self.changed[link.pk] = link

    def add(self, link: ReauthLink, outcome: Outcome, detail: str) -> None:
        """Give the link this outcome; does nothing where it has it already."""
        detail = detail[:200]
        if (link.outcome, link.outcome_detail) == (outcome, detail):
            return
        link.outcome, link.outcome_detail, link.settled_at = outcome, detail, self.now
        self.changed[link.pk] = self.settled[link.pk] = link
        self.entries.append(
            Act(None, by=self.reported_by).entry(
                "link.settled",
                self.now,
                person_id=link.person_id,
                connection_id=link.connection_id,
                integration_id=link.integration_id,
                subject=link.public_id,
                detail={"outcome": outcome.value, "why": detail},
            )
        )

    def write(self) -> None:
        """Write the links that changed, and of each outcome an entry in the activity log and an event."""
        ReauthLink.objects.bulk_update(self.changed.values(), ["connection", "outcome", "outcome_detail", "settled_at"])
        fixed = [link.pk for link in self.settled.values() if link.outcome == Outcome.FIXED]
        stop_messages(Q(link__in=fixed), Why.FIXED, self.now)
        TrailEntry.objects.bulk_create(self.entries)
        announce.settled(list(self.settled.values()), self.now)


def lock_links(links: QuerySet[ReauthLink]) -> dict[int | None, ReauthLink]:
    """Lock these links; by id."""
    wanted = ReauthLink.objects.filter(pk__in=links.values("pk"))
    return {link.pk: link for link in wanted.select_for_update(no_key=True).order_by("pk")}


def with_connections(
    links: Mapping[int | None, ReauthLink], attempts: Iterable[Attempt]
) -> list[tuple[ReauthLink, Connection]]:
    """The link of each attempt that made a connection, with that connection."""
    attempts = list(attempts)
    made = Connection.objects.in_bulk({attempt.connection_id for attempt in attempts if attempt.connection_id})
    return [
        (links[attempt.link_id], made[attempt.connection_id])
        for attempt in attempts
        if attempt.link_id in links and attempt.connection_id in made
    ]


def judge_links(
    pairs: Sequence[tuple[ReauthLink, Connection]], reported_by: str, now: datetime, *, may_merge: bool
) -> None:
    """Give each link its outcome by the connection that the consent made or renewed.

    `may_merge`: a new connection may still be reported as the one that was to be fixed (`auth` arrives before
    `user_reauth`), so its link gets no outcome yet, unless the accounts differ.
    """
    meant = connections_of([link for link, _ in pairs])
    judgements = judgements_of([made for _, made in pairs])
    outcomes = LinkOutcomes(reported_by, now)
    for link, made in pairs:
        if link.outcome == Outcome.FIXED:
            continue
        ours = meant[link.pk]
        if ours is not None and ours.pk != made.pk:
            differ = _are_different_accounts(ours, made)
            if differ or not may_merge:
                outcomes.add(link, Outcome.WRONG_ACCOUNT, OTHER_ACCOUNT if differ else SECOND_CONNECTION)
            continue
        if ours is None:
            meant[link.pk] = made
            outcomes.attach(link, made)
        lacking = missing(link.needs, judgements[made.pk])
        if not lacking:
            outcomes.add(link, Outcome.FIXED, "")
            continue
        outcome = Outcome.UNCHANGED if len(lacking) == len(link.needs) else Outcome.PARTLY
        named = ", ".join("the connection" if need == THE_LINK else need for need in lacking)
        outcomes.add(link, outcome, f"missing: {named}")
    outcomes.write()


@in_transaction
def judge_merged(survivors: Sequence[int], reported_by: str, now: datetime) -> None:
    """Judge the links again whose attempts made a connection that is now merged into one of `survivors`."""
    merged = Attempt.objects.filter(
        connection__merged_into__in=survivors, state=Attempt.State.SUCCEEDED, link__isnull=False
    )
    links = lock_links(ReauthLink.objects.filter(attempts__in=merged))
    if not links:
        return
    pks = list(merged.filter(link__in=links).values_list("pk", flat=True))
    into = Connection.objects.filter(pk=OuterRef("connection")).values("merged_into")
    Attempt.objects.filter(pk__in=pks).update(connection=Subquery(into))
    attempts = Attempt.objects.filter(pk__in=pks).order_by("pk")
    judge_links(with_connections(links, attempts), reported_by, now, may_merge=False)


def _are_different_accounts(one: Connection, other: Connection) -> bool:
    return bool(one.provider_user_id and other.provider_user_id) and one.provider_user_id != other.provider_user_id
