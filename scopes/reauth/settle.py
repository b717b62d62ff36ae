"""Facts settle attempts and links: the result of an attempt is what the source reports, not who pressed or returned.

A fact finds its attempt by its session, else by the id that was minted for it, else by reference id and provider
within two hours of the press. A success has the last word: no failure undoes it, and it undoes a failure.

Where ids stay the same, a source may report the connection at any time, also while its person reads the consent screen.
So of an observation only what it shows as fixed counts, or what it shows once the person is back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

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
from scopes.models import Attempt, Connection, ReauthLink, Source
from scopes.models.transactions import in_transaction
from scopes.reauth.landing import NOT_MINTED, reported_by_redirect
from scopes.reauth.link_outcomes import OTHER_ACCOUNT, LinkOutcomes, Outcome, judge_links
from scopes.reauth.progress import judgement_of, missing
from scopes.sources import registry
from scopes.sources.consents import WRONG_ACCOUNT

WINDOW = timedelta(hours=2)
SKEW = timedelta(minutes=1)
NO_REASON = "no reason given"
Reported = ConnectionSeen | ConsentGiven | IdReplaced | ScopesChanged
BY_REDIRECT_ONLY = "Only the redirect reported this; the source has not confirmed it."


def settle(source: Source, facts: Sequence[Fact], now: datetime) -> list[AttemptFailed]:
    """Settle the attempts that these facts are about; call it once they are recorded.

    Returns the failures that belong to no attempt of ours.
    """
    if not facts:
        return []
    attempts, firsts = _candidates(source, facts, now), _at_first_connections(source, facts)
    unmatched = []
    relevant = facts if attempts or firsts else [fact for fact in facts if isinstance(fact, AttemptFailed)]
    for fact in sorted(relevant, key=lambda fact: fact.happened_at):
        attempt = _attempt_for(fact, attempts, firsts)
        if isinstance(fact, AttemptFailed):
            if attempt is None:
                unmatched.append(fact)
            else:
                _failed(attempt.pk, fact.reason or NO_REASON, fact.message, fact.happened_at, source.key, now)
                attempt.state = Attempt.State.FAILED
        elif attempt is not None and not isinstance(fact, LinkChanged | DataRefused):
            may_merge = source.kind in registry.able("changes_ids")
            if _succeeded(attempt, fact, source.key, now, may_merge=may_merge) and attempt in attempts:
                attempts.remove(attempt)
    return unmatched


def fail(attempt: Attempt, result: str, message: str, now: datetime) -> None:
    """End an attempt that failed on our side; a success that is reported later undoes it."""
    _failed(attempt.pk, result, message, now, attempt.source.key, now)


def _candidates(source: Source, facts: Sequence[Fact], now: datetime) -> list[Attempt]:
    """The attempts that these facts may be about, newest first."""
    consents = [fact for fact in facts if isinstance(fact, ConsentGiven | IdReplaced | AttemptFailed)]
    by = Q(user_id__in=_distinct(fact.user_id for fact in facts))
    if sessions := _distinct(getattr(fact, "session_id", None) for fact in consents):
        by |= Q(session_id__in=sessions)
    if references := _distinct(fact.reference_id for fact in consents):
        earliest = min(fact.happened_at for fact in consents) - WINDOW
        by |= Q(reference_id__in=references, started_at__gte=earliest)
    found = Attempt.objects.filter(by, link__isnull=False)
    if not consents:
        found = Attempt.minted_for(_distinct(fact.user_id for fact in facts))
    ours = found.filter(source=source).exclude(result=NOT_MINTED)
    ended = Q(link__outcome=Outcome.FIXED) | Q(link__expires_at__lt=now)
    ours = ours.exclude(ended, state=Attempt.State.SUCCEEDED)
    return list(ours.select_related("provider").order_by("-started_at", "-pk"))


def _at_first_connections(source: Source, facts: Sequence[Fact]) -> list[Attempt]:
    """The open attempts at a first connection that an observation may be of, where the source is never listed.

    Such a source reports what changed, so a connection that appears while its person consents is what came of it. A
    listing only finds it, and says nothing of when it began.
    """
    if source.kind in registry.able("lists"):
        return []
    seen = [fact for fact in facts if isinstance(fact, ConnectionSeen) and fact.reference_id]
    if not seen:
        return []
    found = Attempt.objects.filter(
        source=source,
        state=Attempt.State.OPEN,
        connection__isnull=True,
        link__isnull=False,
        reference_id__in=_distinct(fact.reference_id for fact in seen),
        started_at__gte=min(fact.happened_at for fact in seen) - WINDOW,
    )
    return list(found.select_related("provider").order_by("-started_at", "-pk"))


def _distinct(values: Iterable[str | None]) -> list[str]:
    """The values, without the empty ones and without repeats."""
    return list({value for value in values if value})


def _attempt_for(fact: Fact, attempts: Sequence[Attempt], firsts: Sequence[Attempt]) -> Attempt | None:
    """The attempt of the fact's session, else of its id, else the one of its person and provider.

    A session is one attempt's own; a source whose ids never change gives all attempts the same.
    """
    session = getattr(fact, "session_id", None)
    by_session = next((attempt for attempt in attempts if session and attempt.session_id == session), None)
    by_id = next((attempt for attempt in attempts if fact.user_id and attempt.user_id == fact.user_id), None)
    if by_session or by_id:
        return by_session or by_id
    if isinstance(fact, ConnectionSeen):
        return next((one for one in firsts if one.state == Attempt.State.OPEN and _is_within(fact, one)), None)
    if not isinstance(fact, ConsentGiven | IdReplaced | AttemptFailed):
        return None
    within = [attempt for attempt in attempts if _is_within(fact, attempt)]
    still_open = (attempt for attempt in within if attempt.state == Attempt.State.OPEN)
    return next(still_open, None) or next(iter(within), None)


def _is_within(fact: ConnectionSeen | ConsentGiven | IdReplaced | AttemptFailed, attempt: Attempt) -> bool:
    """Whether the fact has the attempt's person and provider (an `auth_cancelled` has none) soon after the press."""
    same_provider = not fact.provider or (attempt.provider is not None and attempt.provider.slug == fact.provider)
    soon = attempt.started_at - SKEW <= fact.happened_at <= attempt.started_at + WINDOW
    return bool(fact.reference_id) and attempt.reference_id == fact.reference_id and same_provider and soon


@in_transaction
def _failed(attempt_pk: int, reason: str, message: str, at: datetime, reported_by: str, now: datetime) -> None:
    attempt, link = _lock(attempt_pk)
    if attempt.state == Attempt.State.SUCCEEDED:
        return
    reported = attempt.state == Attempt.State.FAILED and attempt.message != BY_REDIRECT_ONLY
    if reported and (attempt.ended_at or at) > at:
        return
    attempt.state, attempt.result, attempt.message = Attempt.State.FAILED, reason[:200], message[:500]
    attempt.ended_at = max(at, attempt.started_at)
    attempt.save(update_fields=["state", "result", "message", "ended_at"])
    if link.outcome in ("", Outcome.FAILED):
        outcomes = LinkOutcomes(reported_by, now)
        wrong = reason == WRONG_ACCOUNT
        outcomes.add(link, Outcome.WRONG_ACCOUNT if wrong else Outcome.FAILED, OTHER_ACCOUNT if wrong else reason)
        outcomes.write()


@in_transaction
def _succeeded(
    found: Attempt,
    fact: Reported,
    reported_by: str,
    now: datetime,
    *,
    may_merge: bool,
) -> bool:
    """Whether the link is fixed by now, so that no later fact is about it. `found` becomes a success if it is one."""
    attempt, link = _lock(found.pk)
    made = Connection.objects.filter(
        integration=link.integration_id, user_id=fact.user_id, merged_into__isnull=True
    ).first()
    if made is not None and _proves_nothing(fact, attempt, link, made):
        return False
    found.state = Attempt.State.SUCCEEDED
    if made is None:
        return False
    if attempt.state != Attempt.State.SUCCEEDED or attempt.connection_id != made.pk:
        attempt.state, attempt.result, attempt.message = Attempt.State.SUCCEEDED, "", ""
        attempt.ended_at = max(fact.happened_at, attempt.started_at)
        attempt.connection = made
        attempt.user_id = attempt.user_id or fact.user_id
        attempt.save(update_fields=["state", "result", "message", "ended_at", "connection", "user_id"])
    judge_links([(link, made)], reported_by, now, may_merge=may_merge)
    return link.outcome == Outcome.FIXED


def _proves_nothing(fact: Reported, attempt: Attempt, link: ReauthLink, made: Connection) -> bool:
    """Whether this report of the connection that is to be fixed says nothing of the attempt."""
    if attempt.state == Attempt.State.SUCCEEDED or attempt.connection_id != made.pk:
        return False
    if fact.happened_at < attempt.started_at - SKEW:
        return True
    if isinstance(fact, ConsentGiven | IdReplaced):
        return False
    is_back = attempt.returned is not None and reported_by_redirect(attempt) is None
    fixes = len(missing(link.needs, judgement_of(made))) < len(link.needs)
    return fact.happened_at > link.expires_at or not (is_back or fixes)


def _lock(attempt_pk: int) -> tuple[Attempt, ReauthLink]:
    """Both rows, locked: the link first, for several attempts share it."""
    link_pk = Attempt.objects.values_list("link_id", flat=True).get(pk=attempt_pk)
    link = ReauthLink.objects.select_for_update(no_key=True).get(pk=link_pk)
    return Attempt.objects.select_for_update(no_key=True).get(pk=attempt_pk), link
