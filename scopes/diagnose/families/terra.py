"""Terra (and Junction beside it): events, redirects, and what they answer for the providers behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose import naming
from scopes.diagnose.reading import Exhibit
from scopes.diagnose.recognise import CERTAIN, CODE, KEY, NAMED, Finding, Recognises, says
from scopes.diagnose.verdicts import Verdict

_MISSING_SCOPES = re.compile(
    r"(?i)(?:^|[^a-z_])(?:reason|error|message|code|status|type)" + KEY + r"[\"']?missing[_ ]scopes?"
)


def missing_scopes(exhibit: Exhibit) -> Iterator[Finding]:
    """Terra's failed sign-in `missing_scopes`: a scope without which it makes no connection was not granted."""
    match = _MISSING_SCOPES.search(exhibit.text) if "missing" in exhibit.lower else None
    if not match:
        return
    if exhibit.is_of("huawei"):
        yield Finding(
            Verdict.SCOPE_REFUSED,
            "Terra missing_scopes, Huawei",
            CERTAIN,
            *match.span(),
            remedy="change_console",
            caveat="With Huawei it is nearly always a scope that our client was never approved for; the person may"
            " also have left a box unticked.",
        )
        return
    mandatory = tuple(scope.name for scope in exhibit.provider.scopes if scope.mandatory) if exhibit.provider else ()
    yield Finding(Verdict.MISSING_SCOPE, "Terra missing_scopes", CODE + 5, *match.span(), suspects=mandatory)


_ATHLETE = re.compile(
    r"(?i)(?<!v3)/athlete\b(?!/|s)|\btype" + KEY + r"[\"']?athlete\b|\bathlete (?:endpoint|fetch|data|request|info)"
)


def athlete_500(exhibit: Exhibit) -> Iterator[Finding]:
    """A 500 of Terra's athlete endpoint: a known case, behind which the scope `profile` is missing."""
    if exhibit.status != 500 or "athlete" not in exhibit.lower or "strava.com" in exhibit.lower:
        return
    if match := _ATHLETE.search(exhibit.text):
        yield Finding(
            Verdict.MISSING_SCOPE,
            "Terra athlete answers 500",
            NAMED - 1,
            *match.span(),
            caveat="A 500 is no proof: it is known of Terra's athlete endpoint when `profile` is missing.",
            suspects=("profile",),
        )


_REMOVED = re.compile(r"(?i)scopes_removed" + KEY + r"[\"'\[]([^\"'\]]{0,2000})")


def permission_change(exhibit: Exhibit) -> Iterator[Finding]:
    """The person changed what they grant: the removed scopes are missing now."""
    match = re.search(r"(?i)\bpermission_change\b", exhibit.text) if "permission_change" in exhibit.lower else None
    if not match:
        return
    removed = _REMOVED.search(exhibit.text)
    scopes = naming.fenced(removed[1]) if removed else ()
    caveat = "" if scopes else "The event names nothing that was taken away: it only tells that the grant changed."
    yield Finding(
        Verdict.MISSING_SCOPE, "Terra permission_change", CERTAIN, *match.span(), scopes=scopes, caveat=caveat
    )


_EVENT = r"\btype" + KEY + r"[\"']?"

RECOGNISERS: tuple[Recognises, ...] = (
    missing_scopes,
    athlete_500,
    permission_change,
    says(
        "Terra insufficient permissions for data type",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"insufficient permissions? for (?:this |the )?data ?type",
        "insufficient permission",
        caveat="The token lacks the scope of one data type; the others keep flowing.",
    ),
    says(
        "Terra data type is not enabled",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"data ?type is not enabled|do(?:es)? not have permissions? for this data (?:category|type)",
        "data",
        remedy="change_request",
        caveat="It is our own setting in Terra's dashboard; those who connected before must connect once more.",
    ),
    says(
        "Terra connection_error",
        Verdict.TOKEN_INVALID,
        NAMED,
        r"connection degraded|provider rejected terra.s access token",
        "connection degraded",
        "access token",
        caveat="The provider answered Terra with 401, 403 or 412: a missing scope can be behind it.",
    ),
    says(
        "Terra authorisation expired",
        Verdict.TOKEN_INVALID,
        NAMED,
        r"authori[sz]ation (?:has )?expired",
        "authori",
    ),
    says(
        "Terra auth_cancelled",
        Verdict.CONSENT_REFUSED,
        CODE,
        _EVENT + r"auth_cancel(?:l)?ed|user failed to authenticate|\breason" + KEY + r"[\"']?auth_cancel(?:l)?ed",
        "auth_cancel",
        "failed to authenticate",
    ),
    says(
        "Terra access ended",
        Verdict.TOKEN_INVALID,
        CERTAIN,
        _EVENT + r"(?:access_revoked|deauth)\b|user revoked access|user has deauthenticated",
        "revoked",
        "deauth",
        caveat="The access was ended, by the person or by us.",
    ),
    says(
        "Terra google_no_datasource",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"google_no_datasource|no_data_?source",
        "datasource",
        "data_source",
        remedy="reauthenticate",
        caveat="The account holds no data: often it is not the one that the device writes to.",
    ),
    says(
        "Terra's own credentials",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"dev-?id (?:or|and|/) x-api-key|x-api-key headers? (?:are|is) missing|invalid dev-?id",
        "dev",
        caveat="Our own key for Terra is missing or wrong: no person can mend it.",
    ),
    says(
        "Terra does not know the user",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"\b(?:detail|message)" + KEY + r"[\"']?user (?:not found|does not exist|never existed)",
        "user not found",
        "does not exist",
        "never existed",
        remedy="reauthenticate",
        caveat="The connection is gone, or its id was replaced when the person connected again.",
    ),
    says(
        "Terra unsupported data type",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"connection does not support (?:this )?data ?type",
        "support",
        remedy="nothing",
    ),
    says(
        "Junction link error",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"(?<![a-z])(?:token_not_validated|token_consumed|provider_api_error|provider_credential_error"
        r"|unsupported_region|duplicate_connection)(?![a-z])",
        "token_",
        "provider_",
        "unsupported_region",
        "duplicate_connection",
    ),
)
