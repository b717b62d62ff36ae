"""How it stands with one try, for the person who comes back from it."""

from __future__ import annotations

from enum import StrEnum

from scopes.models import Attempt, ReauthLink
from scopes.reauth.landing import reported_by_redirect
from scopes.reauth.progress import connection_of
from scopes.sources.consents import ADMINISTRATOR_NEEDED, WRONG_ACCOUNT

Outcome = ReauthLink.Outcome


class Result(StrEnum):
    """What the person is told."""

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
    "missing_scopes": Result.MISSING_SCOPES,
    "access_denied": Result.NOT_ALLOWED,
    "auth_cancelled": Result.NOT_ALLOWED,
    ADMINISTRATOR_NEEDED: Result.ADMINISTRATOR,
    WRONG_ACCOUNT: Result.WRONG_ACCOUNT,
}


def result_of(attempt: Attempt) -> Result:
    """What facts say of the try.

    Until they say anything, a failure is believed from the return address alone, for nothing hangs on it. A success
    never is.
    """
    link = attempt.link
    if link is not None and link.outcome == Outcome.FIXED:
        return Result.FIXED
    if attempt.state == Attempt.State.SUCCEEDED:
        told = link.outcome if link is not None else ""
        if told == Outcome.WRONG_ACCOUNT:
            return Result.WRONG_ACCOUNT
        judged = told in (Outcome.PARTLY, Outcome.UNCHANGED) and link is not None and _is_judged_by(link, attempt)
        return Result(told) if judged else Result.WAITING
    if attempt.state == Attempt.State.FAILED:
        return _REASONS.get(attempt.result, Result.FAILED)
    reason = reported_by_redirect(attempt)
    return Result.WAITING if reason is None else _REASONS.get(reason, Result.FAILED)


def _is_judged_by(link: ReauthLink, attempt: Attempt) -> bool:
    """Whether the link's outcome is this try's: an earlier one's stands until the new id is known for the same."""
    meant, made = connection_of(link), attempt.connection
    return made is None or meant is None or meant.pk in (made.pk, made.merged_into_id)
