"""Attempts about which no more facts are expected: they are settled by what is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import batched

from django.db.models import QuerySet

from scopes.models import Attempt, ReauthLink, Source
from scopes.models.transactions import in_transaction
from scopes.reauth.landing import reported_by_redirect
from scopes.reauth.link_outcomes import LinkOutcomes, Outcome, judge_links, lock_links, with_connections
from scopes.reauth.settle import BY_REDIRECT_ONLY, NO_REASON, WINDOW

GRACE = timedelta(minutes=15)
BATCH = 100


def settle_overdue(source: Source, now: datetime) -> int:
    """Settle the attempts about which the source will report no more; how many. Cheap where there are none.

    A failure that only the redirect reported counts after 15 minutes. An attempt without any result is abandoned after
    two hours. A new connection that was not reported as the old one's successor counts as a second one after 15
    minutes.
    """
    ours = Attempt.objects.filter(source=source, link__isnull=False)
    still_open = ours.filter(state=Attempt.State.OPEN)
    redirected = still_open.filter(started_at__lt=now - GRACE, returned__isnull=False).order_by("pk")
    failed = [attempt.pk for attempt in redirected if _failed_by_redirect(attempt, now)]
    ended = sum(_fail_by_redirect(batch, source, now) for batch in batched(failed, BATCH))
    ended += _abandon(still_open.filter(started_at__lt=now - WINDOW), now)
    return ended + sum(
        _judge_as_second(batch, source, now) for batch in batched(second_connections(source, now), BATCH)
    )


def second_connections(source: Source, now: datetime) -> QuerySet[Attempt]:
    """The attempts of the last hours whose new connection was not reported as the old one's successor in time."""
    succeeded = Attempt.objects.filter(source=source, link__isnull=False, state=Attempt.State.SUCCEEDED)
    recent = succeeded.filter(started_at__gt=now - 2 * WINDOW, ended_at__lt=now - GRACE)
    return recent.filter(link__outcome__in=("", Outcome.FAILED), connection__isnull=False).order_by("pk")


@in_transaction
def _abandon(attempts: QuerySet[Attempt], now: datetime) -> int:
    """End those without a result, unless their redirect reported a failure within the last 15 minutes."""
    rows = attempts.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    gone = [row.pk for row in rows if reported_by_redirect(row) is None or _failed_by_redirect(row, now)]
    return Attempt.objects.filter(pk__in=gone).update(state=Attempt.State.ABANDONED, ended_at=now) if gone else 0


def _failed_by_redirect(attempt: Attempt, now: datetime) -> bool:
    """Whether the redirect reported a failure, and the source has had time enough to report it."""
    if reported_by_redirect(attempt) is None:
        return False
    return datetime.fromisoformat((attempt.returned or {})["at"]) < now - GRACE


@in_transaction
def _fail_by_redirect(attempt_pks: Sequence[int], source: Source, now: datetime) -> int:
    """End these attempts as the redirect reported, unless the source has reported something since; how many."""
    links = lock_links(ReauthLink.objects.filter(attempts__in=attempt_pks))
    still_open = Attempt.objects.filter(pk__in=attempt_pks, state=Attempt.State.OPEN)
    attempts = list(still_open.select_for_update(no_key=True).order_by("pk"))
    outcomes = LinkOutcomes(source.key, now)
    for attempt in attempts:
        reason = reported_by_redirect(attempt) or NO_REASON
        attempt.state, attempt.result, attempt.message = Attempt.State.FAILED, reason[:200], BY_REDIRECT_ONLY
        attempt.ended_at = now
        link = links.get(attempt.link_id)
        if link is not None and link.outcome in ("", Outcome.FAILED):
            outcomes.add(link, Outcome.FAILED, f"{reason[:150]} (reported by the redirect only)")
    Attempt.objects.bulk_update(attempts, ["state", "result", "message", "ended_at"])
    outcomes.write()
    return len(attempts)


@in_transaction
def _judge_as_second(attempts: Sequence[Attempt], source: Source, now: datetime) -> int:
    """Judge the links of these attempts: what they made is a second connection."""
    links = lock_links(ReauthLink.objects.filter(attempts__in=attempts))
    judge_links(with_connections(links, attempts), source.key, now, may_merge=False)
    return len(attempts)
