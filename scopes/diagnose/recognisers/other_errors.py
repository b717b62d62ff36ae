"""Errors that are not about scopes: tokens, limits, subscriptions, roles; and what a status alone proves."""

from __future__ import annotations

from collections.abc import Iterator

from scopes.diagnose.error_text import ErrorText
from scopes.diagnose.recogniser import HINT, LOOSE, NAMED, OTHER, PHRASE, TOKEN, Clue, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_REJECTED = (
    r"\b(?:invalid|expired|revoked|bad|malformed|missing|unknown)\b[^\n.:,]{0,20}"
    r"\b(?:access |refresh |auth\w* |oauth2? |bearer |session )?(?:token|credentials?|session|authentication)\b"
    r"|\b(?:token|session|jwt|signature|login|authori[sz]ation|authentication|credentials?|access)\b[^\n.{}]{0,60}?"
    r"\b(?:has |have |is |was |been |are ){0,3}(?:expired|revoked|invalid(?:ated)?|no longer valid|rejected|inactive"
    r"|incorrect|deleted|withdrawn|not (?:been )?(?:valid|active|provided|accepted|recogni[sz]ed|found))\b"
    r"|\brequest a new token\b|could not validate credentials|not authenticated"
    r"|(?<!proxy )authentication (?:is )?(?:required|failed)|credentials do not contain"
    r"|\b(?:must|requires? you to|needs? to|have to) be (?:authenticated|signed[ -]in|logged[ -]in)\b"
    r"|(?:refresh|access)_?token[\"'][^\n{}]{0,80}[\"'](?:invalid|expired|revoked)[\"']"
    r"|access token (?:must be|is required)|must (?:provide|include|use|supply|send) an? [\w ]{0,20}token"
    r"|requires? (?:user )?authentication|please re-?(?:authori[sz]e|authenticate|connect|login|log in)|login required"
    r"|error validating access token|(?:authentication|authorization)[ _]?unsuccessful"
)
_RATE = (
    r"\brate[_ -]?limit\w*\b|too[_ ]many[_ ]requests|quota[_ ]?(?:exceeded|limit)|throttl(?:ed|ing)|user rate limit"
    r"|same arguments in less than|over_query_limit"
)
_USER_LIMIT = (
    r"\b(?:user|athlete|connection|member|device|account)s?[ _](?:limit|cap|quota)[ _](?:has been |is |was )?"
    r"(?:reached|exceeded)|limit of (?:connected )?(?:athletes|users)|too many (?:users|athletes|members)"
    r"|maximum number of (?:users|athletes|connections)"
)
_SUBSCRIPTION = (
    r"\b(?:subscription|membership|trial|plan|licen[cs]e|premium)\b[^\n.]{0,40}\b(?:expired|lapsed|ended|inactive"
    r"|required|needed|not active|cancel(?:l)?ed|does not include|upgrade)\b"
    r"|\b(?:active|valid|paid|premium)[ _](?:subscription|membership|plan|account)\b"
    r"|upgrade (?:your|to a)[^\n.]{0,30}(?:plan|account|subscription)|payment required"
    r"|api_plan_restricted|not_subscribed"
)
_ROLE = (
    r"\bmust (?:have|be an?|be the)\b[^\n.]{0,40}\b(?:push|admin|owner|write|maintain|collaborator|member)\w*"
    r"|\badmin(?:istrator)?s? (?:rights|access|role|only|privileges)\b"
    r"|\bnot an? (?:member|admin|owner|collaborator|participant)\b"
    r"|\binsufficient[_ ](?:role|access[_ ]rights?|user[_ ]rights?|access(?![_ ]?(?:token|scope)))\b"
    r"|\b(?:saml|sso|single sign-on)\b[^\n.]{0,60}\b(?:enforce|required|must|authori[sz]e)\w*"
    r"|\brestricted_action\w*|\buser_is_\w*restricted\b"
    r"|\bnot_in_channel\b|\bchannel_not_found\b|\b(?:user|account) (?:is )?not permitted to use\b"
    r"|\bnot have (?:the |a |any )?(?:required|necessary|sufficient|appropriate) (?:user |admin )?roles?\b"
    r"|\bunauthorized for user\b|\bwith effective roles\b"
    r"|\brole\b[^\n.]{0,30}\b(?:required|insufficient|does not|not (?:allowed|assigned))"
    r"|\bip (?:address )?(?:is )?(?:not (?:allowed|white-?listed|allow-?listed)|blocked)"
)
_THING = (
    r"(?:file|folder|document|site|property|project|customer|workspace|repository|channel|calendar|record|board|space"
    r"|page|team|organi[sz]ation|group|playlist|issue|database|bucket|queue|[\"'])"
)
_APP = (
    r"\b(?:upgrade required|update (?:the|your) app|unsupported api version"
    r"|api[_ -]?key (?:is )?(?:invalid|missing|not valid)|\b(?:valid|correct|invalid|missing) api[_ -]?key\b"
    r"|(?:no|unknown) (?:such )?(?:client|application)|\b(?:app|application) id (?:is )?(?:not found|invalid|unknown)"
    r"|(?:invalid|unknown) consumer[ _-]?key|consumer[ _-]?key (?:is )?(?:invalid|unknown)"
    r"|(?:app|application|client|consumer|account) type is not supported"
    r"|(?:api|endpoint|resource|method|operation) (?:does not|doesn't|is not) support(?:ed)?)\b"
)
_SIGNED = (
    r"\boauth_problem=(?:timestamp_refused|nonce_used|signature_\w+|consumer_key_\w+|version_rejected|parameter_\w+)|"
    r"\btimestamp\b[^\n.]{0,20}\b(?:out of (?:bounds|range)|invalid|expired|too (?:old|far))|\binvalid timestamp\b"
    r"|\bclock (?:skew|drift)|\b(?<!token )(?<!jwt )(?:invalid|bad|wrong) (?:\w+ )?signature\b"
    r"|\bsignaturedoesnotmatch\b"
    r"|(?<!token )(?<!jwt )(?<!token's )\bsignature\b[^\n.]{0,30}\b(?:not match|mismatch\w*)"
    r"|\bvalidate (?:the )?oauth signature"
)

_BY_STATUS = {
    401: (ErrorVerdict.TOKEN_INVALID, "", "Some providers answer 401 for a missing scope as well."),
    402: (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "", ""),
    407: (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "", ""),
    429: (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
    502: (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
    503: (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
    504: (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
}


def by_status(error: ErrorText) -> Iterator[Clue]:
    """Nothing but a status: enough for some, never for a 400, 403, 404 or 500."""
    if error.status in _BY_STATUS:
        verdict, remedy, caveat = _BY_STATUS[error.status]
        yield Clue(verdict, f"status {error.status} alone", HINT, 0, 0, remedy=remedy, caveat=caveat)


RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "the token is not accepted",
        ErrorVerdict.TOKEN_INVALID,
        PHRASE,
        _REJECTED,
        "token",
        "session",
        "credential",
        "jwt",
        "authori",
        "authenti",
        "signature",
        "login",
        "logged",
        "signed",
        "reconnect",
        "access",
    ),
    by_pattern(
        "too many requests",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        TOKEN + 2,
        _RATE,
        "rate",
        "too many",
        "too_many",
        "quota",
        "throttl",
        "same arguments",
        "over_query",
        remedy="wait",
    ),
    by_pattern(
        "user limit",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        NAMED,
        _USER_LIMIT,
        "limit",
        "cap",
        "quota",
        "too many",
        "maximum",
        remedy="raise_limit",
    ),
    by_pattern(
        "a subscription",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER - 5,
        _SUBSCRIPTION,
        "subscri",
        "membership",
        "premium",
        "plan",
        "trial",
        "licen",
        "payment required",
    ),
    by_pattern(
        "a role",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER - 5,
        _ROLE,
        "must",
        "admin",
        "not a",
        "insufficient",
        "saml",
        "sso",
        "sign-on",
        "role",
        "not_in_channel",
        "restricted",
        "channel_not_found",
        "not permitted",
        "ip ",
    ),
    by_pattern(
        "a role over one thing",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        r"\b(?:user|caller|account|member|you|person) (?:do|does) not have (?:\w+ )?permissions? "
        r"(?:for|on|to (?:access|view|edit|manage|read|modify|publish)) (?:this |the |that )?"
        + _THING
        + r"|\bpermissions? to \w+ (?:\w+ ){1,3}(?:in|on|for|of) (?:this|the|that) "
        + _THING
        + r"|insufficient_?file_?permissions?|not_?authorized_?to_?file",
        "permission",
        "tofile",
    ),
    by_pattern(
        "a role over a resource",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        NAMED + 2,
        r"\bis forbidden: user\b[^\n]{0,300}\bcannot\b|\bis not authorized to perform:? [\w-]+:\w"
        r"|\b(?:authorization|permissions?) to perform (?:the )?action\b|\bscope(?:\(s\))? ['\"]?/(?:\w|$)"
        r"|\b(?:linked)?authorizationfailed\b|\bpermission ['\"][\w.:/-]{3,80}['\"] denied (?:on|for)\b"
        r"|\bdoes not have [\w-]{1,40}(?:\.[\w-]{1,40}){1,4} access to\b",
        "forbidden: user",
        "not authorized to perform",
        "to perform",
        "scope",
        "authorizationfailed",
        "denied",
        "access to",
        caveat="It is a role of the account that is granted where the resource is kept, not a scope.",
    ),
    by_pattern(
        "an app or its key",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        LOOSE,
        _APP,
        "upgrade",
        "update",
        "version",
        "api key",
        "api_key",
        "apikey",
        "api-key",
        "client",
        "application",
        "app id",
        "consumer",
        "support",
    ),
    by_pattern(
        "a signature or a clock",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        _SIGNED,
        "signature",
        "timestamp",
        "clock",
        "oauth_problem",
    ),
    by_pattern(
        "the person's account",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        r"\baccount (?:has been |is |was )?(?:temporarily )?locked\b"
        r"|\b(?:multi|two)[- ]?factor\b[^\n.]{0,40}\brequired\b"
        r"|\b(?:mfa|2fa)[_ ]required\b",
        "locked",
        "factor",
        "mfa",
        "2fa",
    ),
    by_status,
)
