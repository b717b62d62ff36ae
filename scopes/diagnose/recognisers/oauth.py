"""The standards: RFC 6749 (consent and tokens), RFC 6750 (bearer tokens), OpenID Connect; and Python's oauthlib."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scopes.diagnose import scope_names
from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import (
    CODE,
    KEY,
    LIST,
    LOOSE,
    NAMED,
    OTHER,
    TOKEN,
    Clue,
    RecogniserFunction,
    by_pattern,
    names_in,
)
from scopes.diagnose.result import ErrorVerdict

# `insufficient_scope`, `InsufficientScopeError`, "Insufficient client scope", "insufficient authentication scopes".
_INSUFFICIENT = re.compile(
    r"(?i)(?<![a-z])insufficient[_\-. ]?(?:(?:client|auth\w{0,12}|oauth2?|api|token|access|user)[_\- ])?scopes?"
    r"(?:[_\- ]?(?:permissions?|error|exception))?(?![a-z])"
)
_SCOPE_FIELD = re.compile(
    r"(?i)(?<![\w-])(?:required[_-]?|missing[_-]?|needed[_-]?|expected[_-]?)?scopes?(?:[_-]?(?:required|needed"
    r"|missing))?" + KEY + LIST
)
_BEHIND = re.compile(r"[\"']?[ \t]{0,3}[-–—:(,][ \t]{0,3}" + LIST)
NEARBY = 700
# How doorkeeper and its kin say it (GitLab, Wahoo, Basecamp): their list is one of which each would do.
_ANY_WOULD_DO = re.compile(r"(?i)requires higher privileges than provided by the access token")
_ANY_OF = re.compile(r"(?i)\b(?:one of|any of|at least one|either)\b")


def insufficient_scope(error: ErrorText) -> Iterator[Clue]:
    """The code of RFC 6750; the scopes stand in a field `scope` close to it, before or after."""
    if "insufficient" not in error.lower:
        return
    for match in list(_INSUFFICIENT.finditer(error.text))[:5]:
        start, end = max(0, match.start() - NEARBY), match.end() + NEARBY
        around = error.text[start:end]
        fields = [names_in(field, error.known, "") for field in _SCOPE_FIELD.finditer(around)]
        if not any(fields) and (behind := _BEHIND.match(error.text, match.end())):
            fields = [names_in(behind, error.known, "strict")]
        yield Clue(
            ErrorVerdict.MISSING_SCOPE,
            "RFC 6750 insufficient_scope",
            CODE,
            *match.span(),
            scopes=scope_names.unique(name for names in fields for name in names),
            any_of=bool(
                any(fields) and (('"' + "scope" in around and _ANY_WOULD_DO.search(around)) or _ANY_OF.search(around))
            ),
        )


_CHALLENGE = re.compile(r"(?i)www-authenticate[^\n]{0,400}?\bscope" + KEY + LIST)


def challenge(error: ErrorText) -> Iterator[Clue]:
    """A challenge that names a scope and no error, where something is forbidden: RFC 6750 puts what is needed there."""
    if "www-authenticate" not in error.lower or not (error.status == 403 or "permission" in error.lower):
        return
    if (match := _CHALLENGE.search(error.text)) and (names := names_in(match, error.known, "")):
        span = (match.start(), min(match.end(), match.start() + NEARBY))
        yield Clue(ErrorVerdict.MISSING_SCOPE, "RFC 6750 challenge", LOOSE, *span, scopes=names)


_CHANGED = re.compile(r"(?i)scope has changed from [\"']([^\"'\n]{0,3000})[\"'] to [\"']([^\"'\n]{0,3000})[\"']")
_SAME = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
_NO_DATA = frozenset({"openid", "offline_access", "offline"})


def scope_changed(error: ErrorText) -> Iterator[Clue]:
    """The warning of oauthlib: what was asked for and is not among the granted."""
    if "scope has changed" not in error.lower:
        return
    for match in list(_CHANGED.finditer(error.text))[:3]:
        granted = {_SAME.get(scope, scope) for scope in re.split(r"[\s,]+", match[2])}
        requested = [scope for scope in re.split(r"[\s,]+", match[1]) if scope_names.is_scope(scope)]
        lost = tuple(scope for scope in requested if _SAME.get(scope, scope) not in granted and scope not in _NO_DATA)
        verdict = ErrorVerdict.MISSING_SCOPE if lost else ErrorVerdict.NOT_A_SCOPE_PROBLEM
        remedy = "" if lost else "nothing"
        yield Clue(verdict, "oauthlib scope has changed", NAMED + 5, *match.span(), scopes=lost, remedy=remedy)


# A code stands by itself, or with underscores around it.
_START = r"(?<![a-z])"
_END = r"(?![a-z])"
_INVALID = (
    r"(?:invalid|unsupported|unknown|illegal|malformed|unauthori[sz]ed|unapproved|forbidden|disallowed|restricted)"
)
_ERROR = r"(?:^|[^a-z])(?:error|reason|error_?code|error_?type|code|message|status|name|type)" + KEY + r"[\"']?"

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    insufficient_scope,
    challenge,
    scope_changed,
    by_pattern(
        "missing scope, as a code",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        _START + r"(?:missing[_-]?(?:required[_-]?)?(?:oauth[_-]?)?scopes?|missing scopes?(?= ?[\"'),.:;\n]|$)"
        r"|(?:required_?|oauth_?)?scopes?_?(?:not_?granted|missing|mismatch|denied|rejected)|(?:required_)?scopes_not_granted"
        r"|scope_not_authori[sz]ed|scope_permission_missed|permission_?scope_?not_?granted|oauth_?scope_?mismatch"
        r"|invalid_?oauth_?scope|missing_?(?:required_?)?permissions?|no_permission)(?:error|exception)?" + _END,
        "scope",
        "permission",
    ),
    by_pattern(
        "RFC 6749 invalid_scope",
        ErrorVerdict.SCOPE_REFUSED,
        CODE,
        _START
        + _INVALID
        + r"[_\- ]?(?:oauth2?[_\- ])?(?:requested[_\- ])?scopes?(?:\(s\))?(?:_(?:error|requested))?"
        + (_END + r"(?:[ \t]*:[ \t]*" + LIST + r")?"),
        "scope",
        read="strict",
    ),
    by_pattern(
        "invalid scope, named",
        ErrorVerdict.SCOPE_REFUSED,
        CODE + 1,
        _START
        + _INVALID
        + r" (?:oauth2? )?(?:requested )?scopes?(?:\(s\))?(?: requested| were| are)?[ \t]{0,3}(?::|=|-)[ \t]{0,3}"
        + LIST,
        "scope",
        remedy="change_request",
    ),
    by_pattern(
        "the parameter scope is refused",
        ErrorVerdict.SCOPE_REFUSED,
        CODE,
        r"\b(?:invalid|illegal|bad|unsupported|malformed) (?:request )?(?:param\w*|value|argument|field)s?"
        r"(?: value)?[^\n.]{0,30}?\bscopes?\b",
        "scope",
        remedy="change_request",
    ),
    by_pattern(
        "OAuth 1 denied",
        ErrorVerdict.CONSENT_REFUSED,
        NAMED,
        r"oauth_verifier=denied|(?:^|[\n?&])denied=[\w\[]|oauth_problem=(?:permission_denied|user_refused)",
        "denied",
        "user_refused",
    ),
    by_pattern(
        "access_denied",
        ErrorVerdict.CONSENT_REFUSED,
        CODE,
        _ERROR + r"access_denied(?![a-z_])|^\s*access_denied\s*$",
        "access_denied",
        caveat="Some servers say access_denied for a role or a policy as well.",
    ),
    by_pattern(
        "access_denied by a role",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        NAMED,
        r"access_denied[^\n]{0,80}\n?[^\n]{0,40}(?:access is denied|not assigned to the client"
        r"|policy evaluation failed"
        r"|not enabled within domain|unauthorized_?client|ip address|is not in the allow|blocked by (?:admin"
        r"|an access))",
        "access_denied",
    ),
    by_pattern(
        "scopes by method",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"required_(?:alternate_)?scopes"
        + KEY
        + r"\{\s{0,9}[\"'][A-Z]{3,7}[\"']\s{0,3}:\s{0,9}(?P<scopes>\[[^{}]{0,2000}\])",
        "required_",
        read="fenced",
        any_of=True,
    ),
    by_pattern(
        "access_denied to a token",
        ErrorVerdict.TOKEN_INVALID,
        NAMED,
        r"access_denied(?![a-z])[^\n]{0,200}\n?[^\n]{0,100}\b(?:access|refresh) token "
        r"(?:is (?:invalid|expired|unknown|not valid)|has (?:been revoked|expired)|could not be (?:verified|decoded))",
        "access_denied",
    ),
    by_pattern(
        "consent is missing",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        _START + r"(?:consent_required|consentrequired(?:error)?|additional_authorization_required)(?![a-z])"
        r"|\bneeds? admin(?:istrator)? approval\b|\badmin(?:istrator)? consent is (?:required|needed)"
        r"|\brequires? (?:user )?consent\b|\bonly an? admin(?:istrator)? can (?:grant|consent|approve)",
        "consent",
        "admin",
        "additional_authorization",
        caveat="The person was not asked, or could not be: the request was a silent one.",
    ),
    by_pattern(
        "authorization declined",
        ErrorVerdict.CONSENT_REFUSED,
        CODE,
        _START + r"(?:auth(?:orization)?_(?:declined|cancel(?:l)?ed)"
        r"|user_?(?:has_)?(?:cancel(?:l)?ed|denied|declined|rejected)\w{0,30}"
        r"|cancel(?:l)?ed_?login|(?:login|sign_?in)_?cancel(?:l)?ed"
        r"|consent_(?:denied|rejected|declined|refused))(?![a-z])",
        "declin",
        "cancel",
        "denied",
        "reject",
        "refused",
    ),
    by_pattern(
        "invalid_token",
        ErrorVerdict.TOKEN_INVALID,
        TOKEN,
        _START + r"(?:(?:invalid|expired|revoked|bad|inactive)[_-](?:access_?|refresh_?|auth_?|oauth_?|bearer_?)?token"
        r"|(?:access_?|refresh_?|oauth_?)?token[_-](?:has_|is_)?(?:expired|revoked|invalid|rejected|inactive"
        r"|not_valid)"
        r"|invalid_grant|invalid_auth|not_authed|authError|unauthenticated|invalid_session_id|token_unauthori[sz]ed"
        r"|(?:account|user)_(?:inactive|deactivated|disabled|suspended|deleted)"
        r"|api_?key_(?:expired|revoked)|request_unauthorized|invalidauthenticationtoken|invalid_?credentials)(?![a-z])",
        "token",
        "invalid_",
        "not_authed",
        "autherror",
        "unauthenticated",
        "unauthorized",
        "credentials",
        "account_",
        "user_",
        "key_",
    ),
    by_pattern(
        "authorization code",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        TOKEN + 1,
        r"(?:invalid|expired|used|incorrect|wrong|bad|malformed|missing) (?:authori[sz]ation |verification "
        r"|auth )?code\b(?! ?(?:\d|[:=]))"
        r"|authori[sz]ation ?code[\"' ]{0,3}(?:has |is |was )?(?:been )?(?:already )?(?:invalid|expired|redeemed"
        r"|used|not found|malformed|incorrect)"
        r"|code[_ ](?:verifier|challenge)|code (?:has )?(?:already )?(?:expired|been (?:used|redeemed))",
        "code",
        caveat="The sign-in was not completed: it must be repeated, or our client fixed.",
    ),
    by_pattern(
        "RFC 6749, our request",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        _START
        + r"(?:invalid_request|invalid_client(?:_?id|_?secret)?|unauthorized_client|unsupported_(?:grant|response)_type"
        r"|redirect_uri_mismatch|invalid_redirect(?:_uri)?|invalid_target|invalid_state|csrf_\w+"
        r"|mismatching_state|insecure_transport)(?![a-z])"
        r"|callback url (?:is|does|must)|redirect[_ ]ur[il] (?:mismatch|does not match|is invalid)"
        r"|missing parameters?:|invalid client (?:id|secret|credentials)",
        "invalid_",
        "client",
        "unsupported_",
        "redirect",
        "callback url",
        "missing parameter",
        "state",
        "transport",
        "csrf",
    ),
    by_pattern(
        "the request names no scope",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED,
        r"(?:missing|must (?:contain|include)|requires?|omit\w*|without"
        r"|no)\b[^\n]{0,60}?\bparameters?:?[ \t]{0,3}[\"'`]?scope\b"
        r"|(?:missing|no|empty)[^\n]{0,20}[\"'`]?\bscope\b[\"'`]?[^\n]{0,12}\bparameter\b"
        r"|scope parameter is (?:missing|required|empty)",
        "scope",
        remedy="change_request",
        caveat="No scope was asked for: our request, or the address it went to, is wrong.",
    ),
    by_pattern(
        "silent sign-in",
        ErrorVerdict.TOKEN_INVALID,
        LOOSE,
        _START + r"(?:interaction_required|login_required|account_selection_required)(?![a-z])",
        "_required",
    ),
    by_pattern(
        "the server failed",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        LOOSE,
        _START
        + r"(?:server_error|temporarily_unavailable|slow_down|authorization_pending|service[_ ]unavailable|bad gateway"
        r"|gateway time-?out)(?![a-z])",
        "unavailable",
        "server_error",
        "slow_down",
        "pending",
        "gateway",
        remedy="wait",
    ),
)
