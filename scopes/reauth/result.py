"""The result of one attempt, for the person who returns from it."""

from __future__ import annotations

from enum import StrEnum

from scopes.models import Attempt, ReauthLink
from scopes.reauth.landing import reported_by_redirect
from scopes.reauth.progress import connection_of
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED, WRONG_ACCOUNT

Outcome = ReauthLink.Outcome


class AttemptResult(StrEnum):
    """The result that the person's page shows."""

    FIXED = "fixed"
    PARTLY = "partly"
    UNCHANGED = "unchanged"
    WRONG_ACCOUNT = "wrong_account"
    MISSING_SCOPES = "missing_scopes"
    NOT_ALLOWED = "not_allowed"
    ADMINISTRATOR = "administrator"
    FAILED = "failed"
    WAITING = "waiting"


_REASONS = {
    "missing_scopes": AttemptResult.MISSING_SCOPES,
    "access_denied": AttemptResult.NOT_ALLOWED,
    "auth_cancelled": AttemptResult.NOT_ALLOWED,
    ADMIN_CONSENT_REQUIRED: AttemptResult.ADMINISTRATOR,
    WRONG_ACCOUNT: AttemptResult.WRONG_ACCOUNT,
}


def result_of(attempt: Attempt) -> AttemptResult:
    """The result by the facts recorded so far.

    Until there are any, the return address alone is believed for a failure, which has no consequences, but never for
    a success.
    """
    link = attempt.link
    if link is not None and link.outcome == Outcome.FIXED:
        return AttemptResult.FIXED
    if attempt.state == Attempt.State.SUCCEEDED:
        outcome = link.outcome if link is not None else ""
        if outcome == Outcome.WRONG_ACCOUNT:
            return AttemptResult.WRONG_ACCOUNT
        judged = outcome in (Outcome.PARTLY, Outcome.UNCHANGED) and link is not None and _is_judged_by(link, attempt)
        return AttemptResult(outcome) if judged else AttemptResult.WAITING
    if attempt.state == Attempt.State.FAILED:
        return failure_of(attempt.result)
    reason = reported_by_redirect(attempt)
    return AttemptResult.WAITING if reason is None else failure_of(reason)


def failure_of(reason: str) -> AttemptResult:
    """What a failure was, by the source's own word for it."""
    return _REASONS.get(reason, AttemptResult.FAILED)


def _is_judged_by(link: ReauthLink, attempt: Attempt) -> bool:
    """Whether the link's outcome is of this attempt, and not of an earlier one: its connection is the link's by now."""
    meant, made = connection_of(link), attempt.connection
    return made is None or meant is None or meant.pk in (made.pk, made.merged_into_id)
