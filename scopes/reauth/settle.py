"""Facts settle attempts and links: what came of a try is told by the source, never by who pressed or returned.

A fact finds its attempt by the id that was minted for it, else by the widget's session, else by reference id and
provider within two hours of the press. A success speaks last: no failure undoes it, and it undoes a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched

from django.db.models import OuterRef, Q, QuerySet, Subquery

from scopes.facts import (
    AttemptFailed,
    ConnectionSeen,
    ConsentGiven,
    DataRefused,
    Fact,
    IdReplaced,
    LinkChanged,
    ScopesChanged,
)
from scopes.models import Attempt, Connection, ReauthLink, Source, TrailEntry
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.reauth.landing import NOT_MINTED, reported_by_redirect
from scopes.reauth.progress import THE_LINK, connections_of, judgements_of, missing
from scopes.sources import registry
from scopes.sources.consents import WRONG_ACCOUNT

WINDOW = timedelta(hours=2)
PATIENCE = timedelta(minutes=15)
SKEW = timedelta(minutes=1)
BATCH = 100
NO_REASON = "no reason given"
BY_REDIRECT_ONLY = "Only the redirect reported this; the source has not confirmed it."
SECOND_CONNECTION = "A second connection was created"
OTHER_ACCOUNT = "The person consented with another account at the provider"

Outcome = ReauthLink.Outcome


def settle(source: Source, facts: Sequence[Fact], now: datetime) -> list[AttemptFailed]:
    """Settle what these facts tell of; call it once they are recorded. The failures that no link of ours awaited."""
    if not facts:
        return []
    attempts = _awaited(source, facts, now)
    strangers = []
    told = facts if attempts else [fact for fact in facts if isinstance(fact, AttemptFailed)]
    for fact in sorted(told, key=lambda fact: fact.happened_at):
        attempt = _attempt_for(fact, attempts)
        if isinstance(fact, AttemptFailed):
            if attempt is None:
                strangers.append(fact)
            else:
                _failed(attempt.pk, fact.reason or NO_REASON, fact.message, fact.happened_at, source.key, now)
                attempt.state = Attempt.State.FAILED
        elif attempt is not None and not isinstance(fact, LinkChanged | DataRefused):
            attempt.state = Attempt.State.SUCCEEDED
            if _succeeded(attempt.pk, fact, source.key, now, patient=source.kind in registry.able("changes_ids")):
                attempts.remove(attempt)
    return strangers


def settle_overdue(source: Source, now: datetime) -> int:
    """Settle what nobody will tell more of; how many attempts. Cheap where there is nothing to do.

    A failure that only the redirect told of counts after 15 minutes; a try that nothing came of is abandoned after two
    hours; a new connection that nobody called the old one's successor is a second one after 15 minutes.
    """
    ours = Attempt.objects.filter(source=source, link__isnull=False)
    still_open = ours.filter(state=Attempt.State.OPEN)
    redirected = still_open.filter(started_at__lt=now - PATIENCE, returned__isnull=False).order_by("pk")
    failed = [attempt.pk for attempt in redirected if _failed_by_redirect(attempt, now)]
    ended = sum(_fail_by_redirect(some, source, now) for some in batched(failed, BATCH))
    ended += _abandon(still_open.filter(started_at__lt=now - WINDOW), now)
    return ended + sum(_separate(some, source, now) for some in batched(overdue(source, now), BATCH))


def overdue(source: Source, now: datetime) -> QuerySet[Attempt]:
    """The tries of the last hours whose connection nobody called the old one's successor, and that count as another."""
    succeeded = Attempt.objects.filter(source=source, link__isnull=False, state=Attempt.State.SUCCEEDED)
    recent = succeeded.filter(started_at__gt=now - 2 * WINDOW, ended_at__lt=now - PATIENCE)
    return recent.filter(link__outcome__in=("", Outcome.FAILED), connection__isnull=False).order_by("pk")


@in_transaction
def _abandon(attempts: QuerySet[Attempt], now: datetime) -> int:
    """End those that only a redirect may still tell of: it told too little, or too late."""
    rows = attempts.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    gone = [
        row.pk
        for row in rows
        if reported_by_redirect(row) is None or datetime.fromisoformat((row.returned or {})["at"]) < now - PATIENCE
    ]
    return Attempt.objects.filter(pk__in=gone).update(state=Attempt.State.ABANDONED, ended_at=now) if gone else 0


def _failed_by_redirect(attempt: Attempt, now: datetime) -> bool:
    """Whether the redirect reported a failure, longer ago than the source is waited for."""
    if reported_by_redirect(attempt) is None:
        return False
    return datetime.fromisoformat((attempt.returned or {})["at"]) < now - PATIENCE


@in_transaction
def _fail_by_redirect(attempt_pks: Sequence[int], source: Source, now: datetime) -> int:
    """End these attempts, unless the source reported of them meanwhile, as the redirect did; how many."""
    links = _hold_links(ReauthLink.objects.filter(attempts__in=attempt_pks))
    still_open = Attempt.objects.filter(pk__in=attempt_pks, state=Attempt.State.OPEN)
    attempts = list(still_open.select_for_update(no_key=True).order_by("pk"))
    conclusions = Conclusions(source.key, now)
    for attempt in attempts:
        reason = reported_by_redirect(attempt) or NO_REASON
        attempt.state, attempt.result, attempt.message = Attempt.State.FAILED, reason[:200], BY_REDIRECT_ONLY
        attempt.ended_at = now
        link = links.get(attempt.link_id)
        if link is not None and link.outcome in ("", Outcome.FAILED):
            conclusions.add(link, Outcome.FAILED, f"{reason[:150]} (reported by the redirect only)")
    Attempt.objects.bulk_update(attempts, ["state", "result", "message", "ended_at"])
    conclusions.write()
    return len(attempts)


@in_transaction
def _separate(attempts: Sequence[Attempt], source: Source, now: datetime) -> int:
    """Judge the links of these attempts by the connections that they made."""
    links = _hold_links(ReauthLink.objects.filter(attempts__in=attempts))
    _judge(_with_what_was_made(links, attempts), source.key, now, patient=False)
    return len(attempts)


@in_transaction
def settle_merged(survivors: Sequence[int], reported_by: str, now: datetime) -> None:
    """Judge anew the links whose attempts made a connection that was merged into one of `survivors`: it is theirs."""
    merged = Attempt.objects.filter(
        connection__merged_into__in=survivors, state=Attempt.State.SUCCEEDED, link__isnull=False
    )
    links = _hold_links(ReauthLink.objects.filter(attempts__in=merged))
    if not links:
        return
    pks = list(merged.filter(link__in=links).values_list("pk", flat=True))
    into = Connection.objects.filter(pk=OuterRef("connection")).values("merged_into")
    Attempt.objects.filter(pk__in=pks).update(connection=Subquery(into))
    attempts = Attempt.objects.filter(pk__in=pks).order_by("pk")
    _judge(_with_what_was_made(links, attempts), reported_by, now, patient=False)


def _hold_links(links: QuerySet[ReauthLink]) -> dict[int | None, ReauthLink]:
    """Lock these links; by id."""
    wanted = ReauthLink.objects.filter(pk__in=links.values("pk"))
    return {link.pk: link for link in wanted.select_for_update(no_key=True).order_by("pk")}


def _with_what_was_made(
    links: Mapping[int | None, ReauthLink], attempts: Iterable[Attempt]
) -> list[tuple[ReauthLink, Connection]]:
    attempts = list(attempts)
    made = Connection.objects.in_bulk({attempt.connection_id for attempt in attempts if attempt.connection_id})
    return [
        (links[attempt.link_id], made[attempt.connection_id])
        for attempt in attempts
        if attempt.link_id in links and attempt.connection_id in made
    ]


def _awaited(source: Source, facts: Sequence[Fact], now: datetime) -> list[Attempt]:
    """The attempts that these facts may be about, newest first."""
    consents = [fact for fact in facts if isinstance(fact, ConsentGiven | IdReplaced | AttemptFailed)]
    by = Q(user_id__in=_told(fact.user_id for fact in facts))
    if sessions := _told(getattr(fact, "session_id", None) for fact in consents):
        by |= Q(session_id__in=sessions)
    if references := _told(fact.reference_id for fact in consents):
        earliest = min(fact.happened_at for fact in consents) - WINDOW
        by |= Q(reference_id__in=references, started_at__gte=earliest)
    found = Attempt.objects.filter(by, link__isnull=False)
    if not consents:
        found = Attempt.minted_for(_told(fact.user_id for fact in facts))
    ours = found.filter(source=source).exclude(result=NOT_MINTED)
    over = Q(link__outcome=Outcome.FIXED) | Q(link__expires_at__lt=now)
    ours = ours.exclude(over, state=Attempt.State.SUCCEEDED)
    return list(ours.select_related("provider").order_by("-started_at", "-pk"))


def _told(values: Iterable[str | None]) -> list[str]:
    return list({value for value in values if value})


def _attempt_for(fact: Fact, attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt of the fact's session, else of its id, else the one of its person and provider.

    A session is one attempt's own; a source whose ids never change gives all attempts the same.
    """
    session = getattr(fact, "session_id", None)
    by_session = next((attempt for attempt in attempts if session and attempt.session_id == session), None)
    by_id = next((attempt for attempt in attempts if fact.user_id and attempt.user_id == fact.user_id), None)
    if by_session or by_id or not isinstance(fact, ConsentGiven | IdReplaced | AttemptFailed):
        return by_session or by_id
    within = [attempt for attempt in attempts if _is_within(fact, attempt)]
    still_open = (attempt for attempt in within if attempt.state == Attempt.State.OPEN)
    return next(still_open, None) or next(iter(within), None)


def _is_within(fact: ConsentGiven | IdReplaced | AttemptFailed, attempt: Attempt) -> bool:
    """Told of the same person and provider (an `auth_cancelled` names none) soon after the press."""
    same_provider = not fact.provider or (attempt.provider is not None and attempt.provider.slug == fact.provider)
    soon = attempt.started_at - SKEW <= fact.happened_at <= attempt.started_at + WINDOW
    return bool(fact.reference_id) and attempt.reference_id == fact.reference_id and same_provider and soon


def fail(attempt: Attempt, result: str, message: str, now: datetime) -> None:
    """End an attempt that failed by our own word for it; a success that is reported later undoes it."""
    _failed(attempt.pk, result, message, now, attempt.source.key, now)


@in_transaction
def _failed(attempt_pk: int, reason: str, message: str, at: datetime, reported_by: str, now: datetime) -> None:
    attempt, link = _hold(attempt_pk)
    if attempt.state == Attempt.State.SUCCEEDED:
        return
    reported = attempt.state == Attempt.State.FAILED and attempt.message != BY_REDIRECT_ONLY
    if reported and (attempt.ended_at or at) > at:
        return
    attempt.state, attempt.result, attempt.message = Attempt.State.FAILED, reason[:200], message[:500]
    attempt.ended_at = max(at, attempt.started_at)
    attempt.save(update_fields=["state", "result", "message", "ended_at"])
    if link.outcome in ("", Outcome.FAILED):
        conclusions = Conclusions(reported_by, now)
        wrong = reason == WRONG_ACCOUNT
        conclusions.add(link, Outcome.WRONG_ACCOUNT if wrong else Outcome.FAILED, OTHER_ACCOUNT if wrong else reason)
        conclusions.write()


@in_transaction
def _succeeded(
    attempt_pk: int,
    fact: ConnectionSeen | ConsentGiven | IdReplaced | ScopesChanged,
    reported_by: str,
    now: datetime,
    *,
    patient: bool,
) -> bool:
    """Whether the link has done what it was made for, so that nothing that is told later is about it."""
    attempt, link = _hold(attempt_pk)
    made = Connection.objects.filter(
        integration=link.integration_id, user_id=fact.user_id, merged_into__isnull=True
    ).first()
    if made is None:
        return False
    if attempt.state != Attempt.State.SUCCEEDED or attempt.connection_id != made.pk:
        attempt.state, attempt.result, attempt.message = Attempt.State.SUCCEEDED, "", ""
        attempt.ended_at = max(fact.happened_at, attempt.started_at)
        attempt.connection = made
        attempt.user_id = attempt.user_id or fact.user_id
        attempt.save(update_fields=["state", "result", "message", "ended_at", "connection", "user_id"])
    _judge([(link, made)], reported_by, now, patient=patient)
    return link.outcome == Outcome.FIXED


def _hold(attempt_pk: int) -> tuple[Attempt, ReauthLink]:
    """Both rows, locked: the link first, for that is what several attempts share."""
    link_pk = Attempt.objects.values_list("link_id", flat=True).get(pk=attempt_pk)
    link = ReauthLink.objects.select_for_update(no_key=True).get(pk=link_pk)
    return Attempt.objects.select_for_update(no_key=True).get(pk=attempt_pk), link


def _judge(pairs: Sequence[tuple[ReauthLink, Connection]], reported_by: str, now: datetime, *, patient: bool) -> None:
    """Conclude each link from the connection that the consent made, or made anew.

    One beside the connection that was to be fixed may be called its successor in a moment (`auth` comes before
    `user_reauth`), so that is waited for where we are `patient`.
    """
    meant = connections_of([link for link, _ in pairs])
    judgements = judgements_of([made for _, made in pairs])
    conclusions = Conclusions(reported_by, now)
    for link, made in pairs:
        if link.outcome == Outcome.FIXED:
            continue
        ours = meant[link.pk]
        if ours is not None and ours.pk != made.pk:
            differ = _are_different_accounts(ours, made)
            if not patient or differ:
                conclusions.add(link, Outcome.WRONG_ACCOUNT, OTHER_ACCOUNT if differ else SECOND_CONNECTION)
            continue
        if ours is None:
            meant[link.pk] = made
            conclusions.attach(link, made)
        lacking = missing(link.needs, judgements[made.pk])
        if not lacking:
            conclusions.add(link, Outcome.FIXED, "")
            continue
        outcome = Outcome.UNCHANGED if len(lacking) == len(link.needs) else Outcome.PARTLY
        named = ", ".join("the connection" if need == THE_LINK else need for need in lacking)
        conclusions.add(link, outcome, f"missing: {named}")
    conclusions.write()


def _are_different_accounts(one: Connection, other: Connection) -> bool:
    return bool(one.provider_user_id and other.provider_user_id) and one.provider_user_id != other.provider_user_id


class Conclusions:
    """What links came to, written together: two statements however many there are."""

    def __init__(self, reported_by: str, now: datetime) -> None:
        self.reported_by, self.now = reported_by, now
        self.changed: dict[int, ReauthLink] = {}
        self.entries: list[TrailEntry] = []

    def attach(self, link: ReauthLink, made: Connection) -> None:
        """The link is about this connection from now on."""
        link.connection = made
        self.changed[link.pk] = link

    def add(self, link: ReauthLink, outcome: Outcome, detail: str) -> None:
        """The link has this outcome; nothing where it has it already."""
        detail = detail[:200]
        if (link.outcome, link.outcome_detail) == (outcome, detail):
            return
        link.outcome, link.outcome_detail, link.settled_at = outcome, detail, self.now
        self.changed[link.pk] = link
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
        """Write the links that changed, and an entry in the trail for each outcome."""
        ReauthLink.objects.bulk_update(self.changed.values(), ["connection", "outcome", "outcome_detail", "settled_at"])
        TrailEntry.objects.bulk_create(self.entries)
