"""Terra and Junction: events, redirects, and errors that they pass on from providers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose import scope_names
from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import CERTAIN, CODE, KEY, NAMED, Clue, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_MISSING_SCOPES = re.compile(
    r"(?i)(?:^|[^a-z_])(?:reason|error|message|code|status|type)" + KEY + r"[\"']?missing[_ ]scopes?"
)


def missing_scopes(error: ErrorText) -> Iterator[Clue]:
    """Terra's failed sign-in `missing_scopes`: a scope without which it makes no connection was not granted."""
    match = _MISSING_SCOPES.search(error.text) if "missing" in error.lower else None
    if not match:
        return
    if error.is_of("huawei"):
        yield Clue(
            ErrorVerdict.SCOPE_REFUSED,
            "Terra missing_scopes, Huawei",
            CERTAIN,
            *match.span(),
            remedy="change_console",
            caveat="With Huawei it is nearly always a scope that our client was never approved for; the person may"
            " also have left a box unticked.",
        )
        return
    mandatory = tuple(scope.name for scope in error.provider.scopes if scope.mandatory) if error.provider else ()
    yield Clue(ErrorVerdict.MISSING_SCOPE, "Terra missing_scopes", CODE + 5, *match.span(), suspects=mandatory)


_ATHLETE = re.compile(
    r"(?i)(?<!v3)/athlete\b(?!/|s)|\btype" + KEY + r"[\"']?athlete\b|\bathlete (?:endpoint|fetch|data|request|info)"
)


def athlete_500(error: ErrorText) -> Iterator[Clue]:
    """A 500 of Terra's athlete endpoint: a known case, behind which the scope `profile` is missing."""
    if error.status != 500 or "athlete" not in error.lower or "strava.com" in error.lower:
        return
    if match := _ATHLETE.search(error.text):
        yield Clue(
            ErrorVerdict.MISSING_SCOPE,
            "Terra athlete answers 500",
            NAMED - 1,
            *match.span(),
            caveat="A 500 is no proof: it is known of Terra's athlete endpoint when `profile` is missing.",
            suspects=("profile",),
        )


_REMOVED = re.compile(r"(?i)scopes_removed" + KEY + r"[\"'\[]([^\"'\]]{0,2000})")


def permission_change(error: ErrorText) -> Iterator[Clue]:
    """The person changed what they grant: the removed scopes are missing now."""
    match = re.search(r"(?i)\bpermission_change\b", error.text) if "permission_change" in error.lower else None
    if not match:
        return
    removed = _REMOVED.search(error.text)
    scopes = scope_names.fenced(removed[1]) if removed else ()
    caveat = "" if scopes else "The event names nothing that was taken away: it only says that the grant changed."
    yield Clue(
        ErrorVerdict.MISSING_SCOPE, "Terra permission_change", CERTAIN, *match.span(), scopes=scopes, caveat=caveat
    )


_EVENT = r"\btype" + KEY + r"[\"']?"

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    missing_scopes,
    athlete_500,
    permission_change,
    by_pattern(
        "Terra insufficient permissions for data type",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"insufficient permissions? for (?:this |the )?data ?type",
        "insufficient permission",
        caveat="The token lacks the scope of one data type; the others keep flowing.",
    ),
    by_pattern(
        "Terra data type is not enabled",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"data ?type is not enabled|do(?:es)? not have permissions? for this data (?:category|type)",
        "data",
        remedy="change_request",
        caveat="It is our own setting in Terra's dashboard; those who connected before must connect once more.",
    ),
    by_pattern(
        "Terra connection_error",
        ErrorVerdict.TOKEN_INVALID,
        NAMED,
        r"connection degraded|provider rejected terra.s access token",
        "connection degraded",
        "access token",
        caveat="The provider answered Terra with 401, 403 or 412: a missing scope can be behind it.",
    ),
    by_pattern(
        "Terra authorisation expired",
        ErrorVerdict.TOKEN_INVALID,
        NAMED,
        r"authori[sz]ation (?:has )?expired",
        "authori",
    ),
    by_pattern(
        "Terra auth_cancelled",
        ErrorVerdict.CONSENT_REFUSED,
        CODE,
        _EVENT + r"auth_cancel(?:l)?ed|user failed to authenticate|\breason" + KEY + r"[\"']?auth_cancel(?:l)?ed",
        "auth_cancel",
        "failed to authenticate",
    ),
    by_pattern(
        "Terra access ended",
        ErrorVerdict.TOKEN_INVALID,
        CERTAIN,
        _EVENT + r"(?:access_revoked|deauth)\b|user revoked access|user has deauthenticated",
        "revoked",
        "deauth",
        caveat="The access was ended, by the person or by us.",
    ),
    by_pattern(
        "Terra google_no_datasource",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"google_no_datasource|no_data_?source",
        "datasource",
        "data_source",
        remedy="reauthenticate",
        caveat="The account holds no data: often it is not the one that the device writes to.",
    ),
    by_pattern(
        "Terra's own credentials",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"dev-?id (?:or|and|/) x-api-key|x-api-key headers? (?:are|is) missing|invalid dev-?id",
        "dev",
        caveat="Our own key for Terra is missing or wrong: no person can fix it.",
    ),
    by_pattern(
        "Terra does not know the user",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"\b(?:detail|message)" + KEY + r"[\"']?user (?:not found|does not exist|never existed)",
        "user not found",
        "does not exist",
        "never existed",
        remedy="reauthenticate",
        caveat="The connection is gone, or its id was replaced when the person connected again.",
    ),
    by_pattern(
        "Terra unsupported data type",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"connection does not support (?:this )?data ?type",
        "support",
        remedy="nothing",
    ),
    by_pattern(
        "Junction link error",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"(?<![a-z])(?:token_not_validated|token_consumed|provider_api_error|provider_credential_error"
        r"|unsupported_region|duplicate_connection)(?![a-z])",
        "token_",
        "provider_",
        "unsupported_region",
        "duplicate_connection",
    ),
)
