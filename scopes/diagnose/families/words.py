"""What servers and libraries say in their own words. General on purpose: these read texts that nobody has seen yet."""

from __future__ import annotations

from collections.abc import Iterator

from scopes.diagnose.reading import Exhibit
from scopes.diagnose.recognise import (
    FENCED_LIST,
    HINT,
    KEY,
    LIST,
    LOOSE,
    NAMED,
    OTHER,
    PHRASE,
    TOKEN,
    Finding,
    Recognises,
    says,
)
from scopes.diagnose.verdicts import Verdict

_NEEDS = (
    r"(?:missing|lack(?:s|ing)?|without|requir(?:es?|ed|ing)|needs?|needed|necessary|expect(?:s|ed|ing)?|must have"
    r"|(?:do|does|did)(?: not|n.t) (?:have|contain|include|possess|hold)|not have|not (?:been )?grant(?:ed)?"
    r"|(?:authori[sz]e|approve|grant|enable)[^\n:]{0,30}\bfor the following)"
)
_SCOPES = r"(?:scopes?(?:\(s\))?|permissions?(?:\(s\))?|privileges?|access rights?|capabilit(?:y|ies))"
_OPEN = r"(?:oauth2? |api |access |the |a |an |all |any |one |at least |of |following |these |required |necessary |needed |additional |permission |granular |user |proper )*"
_REFUSED = (
    r"(?:not (?:\w+ ){0,2}(?:allowed|permitted|authori[sz]ed|supported|valid|configured|recogni[sz]ed|approved|available"
    r"|enabled|registered|known|found|assigned|exist)|(?:does|do)(?: not|n.t) exist|invalid|unknown|unsupported|malformed"
    r"|deprecated|unavailable|restricted|disabled|retired|blocked)"
)
_SUBSCRIPTION = (
    r"\b(?:subscription|membership|trial|plan|licen[cs]e|premium)\b[^\n.]{0,40}\b(?:expired|lapsed|ended|inactive|required|needed"
    r"|not active|cancel(?:l)?ed|does not include|upgrade)\b|\b(?:active|valid|paid|premium)[ _](?:subscription|membership|plan|account)\b"
    r"|upgrade (?:your|to a)[^\n.]{0,30}(?:plan|account|subscription)|payment required|billing|api_plan_restricted|not_subscribed"
)
_ROLE = (
    r"\bmust (?:have|be an?|be the)\b[^\n.]{0,40}\b(?:push|admin|owner|write|maintain|collaborator|member)\w*|\badmin(?:istrator)?s? (?:rights|access|role|only|privileges)\b"
    r"|\bnot an? (?:member|admin|owner|collaborator|participant)\b|\binsufficient[_ ](?:role|access[_ ]rights?|user[_ ]rights?|access(?![_ ]?(?:token|scope)))\b"
    r"|\b(?:saml|sso|single sign-on)\b[^\n.]{0,60}\b(?:enforce|required|must|authori[sz]e)\w*|\bnot_in_channel\b|\bchannel_not_found\b"
    r"|\brole\b[^\n.]{0,30}\b(?:required|insufficient|does not|not (?:allowed|assigned))|\bip (?:address )?(?:is )?(?:not allowed|blocked|whitelist)"
)

RECOGNISERS: tuple[Recognises, ...] = (
    says(
        "names what is needed",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"(?<![a-z_]){_NEEDS}\b[^\n:;.\"'\[]{{0,60}}?\b{_SCOPES}(?: to (?:access|use|call|perform|make) this[^\n:]{{0,30}})?(?: (?:are|is|was|were)(?: (?:required|needed|missing))?)?[ \t]{{0,3}}(?::|=|-|–|—|\()\s{{0,3}}{LIST}",
        "scope",
        "permission",
        "privilege",
        "access right",
        "capabilit",
    ),
    says(
        "names what is needed, in a sentence",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"(?<![a-z_]){_NEEDS}\b[^\n:;.\"'\[]{{0,60}}?\b{_SCOPES}[ \t]{{1,3}}(?:of |named |called )?{LIST}",
        "scope",
        "permission",
        "privilege",
        "access right",
        read="strict",
    ),
    says(
        "needs this scope",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"(?<![a-z_])(?:{_NEEDS}|approval for|having|add|granting|requires?:?)\s+{_OPEN}(?P<scopes>(?:[^\s]{{2,200}}\s+){{1,10}}?)(?:oauth2? |api |access )?(?:scope|permission|privilege)(?:\(s\))?s?\b",
        "scope",
        "permission",
        "privilege",
        read="before",
    ),
    says(
        "this scope is needed",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"\b(?:scopes?|permissions?)\s{1,3}(?P<scopes>[\"'`\[][^\"'`\[\]\n]{2,400}[\"'`\]])\s{1,3}(?:is|are|was|were)\s(?:\w+ )?(?:required|needed|missing|not (?:\w+ )?(?:granted|present|included))",
        "scope",
        "permission",
    ),
    says(
        "at least one of these scopes",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"\b(?:at least one|one or more|any|all|one) of (?:these|the following|the) {_SCOPES}[ \t]{{0,3}}(?:(?:are|is) (?:required|needed|missing)[ \t]{{0,3}})?(?:[-:–—(]|=)?[ \t]{{0,3}}{LIST}",
        "scope",
        "permission",
        "privilege",
    ),
    says(
        "requires all of",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"\brequires? (?:all|any|one|either|at least one)(?: of)?[ \t]{{0,3}}:?[ \t]{{0,3}}{FENCED_LIST}",
        "scope",
        "permission",
    ),
    says(
        "insufficient scope, expected",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"\b(?:insufficient|missing|invalid|wrong)\b[^\n:]{{0,30}}\bscopes?\b[^\n:]{{0,20}}\b(?:expect(?:s|ed|ing)?|need(?:s|ed)?|requir(?:es|ed)|requires?)\b[^\n:]{{0,30}}:[ \t]{{0,3}}{LIST}",
        "scope",
    ),
    says(
        "this scope is required",
        Verdict.MISSING_SCOPE,
        NAMED + 1,
        r"\bscopes?: ?(?P<scopes>[\"'`][\w.:/-]{2,100}[\"'`]) (?:is )?(?:required|needed|missing)\b",
        "scope",
    ),
    says(
        "required access",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"\brequired ?_?(?:access|scopes?|permissions?){KEY}[\"']?{LIST}",
        "required",
    ),
    says(
        "field of needed scopes",
        Verdict.MISSING_SCOPE,
        NAMED,
        rf"(?<![\w-])(?:required|missing|needed|accepted|expected|lacking|absent|denied|ungranted)[_-]?(?:oauth[_-]?)?(?:granular[_-]?)?(?:scopes?|permissions?){KEY}{FENCED_LIST}",
        "scope",
        "permission",
    ),
    says(
        "scope is not granted",
        Verdict.MISSING_SCOPE,
        PHRASE,
        r"\bscopes?\b[^\n]{0,60}?\b(?:missing|insufficient|not (?:\w+ ){0,2}(?:granted|included|match(?:ed|ing)?|sufficient|satisfied|present|accepted)|(?:does|do|did)(?: not|n.t) (?:match|satisfy|include|cover|contain|permit)"
        r"|mismatch\w*|violat\w*)|\b(?:missing|insufficient|inadequate|lack\w*|not have|n.t have|not (?:\w+ ){0,2}(?:contain|include|satisfy|match|cover)|n.t match|not (?:\w+ ){0,2}granted|mismatch\w*|wrong|bad|violat\w*|lower|exceed\w*)\b[^\n]{0,60}?\bscopes?\b",
        "scope",
    ),
    says(
        "scope is not allowed",
        Verdict.SCOPE_REFUSED,
        PHRASE + 1,
        rf"\bscopes?\b[^\n]{{0,120}}?\b(?:is|are|was|were|has|have|does|do|can|currently|must be)\b ?(?:currently )?{_REFUSED}|\b(?:not|n.t|un) ?(?:been )?(?:authori[sz]ed|allowed|permitted|approved|entitled|configured|have permissions?)\b[^\n]{{0,20}}\b(?:to (?:request|use|ask)|for)\b[^\n]{{0,60}}?\bscopes?\b",
        "scope",
    ),
    says(
        "this scope is refused",
        Verdict.SCOPE_REFUSED,
        NAMED,
        rf"\b(?:scopes?|permissions?)(?:\(s\))?[ \t]{{0,3}}:?[ \t]{{0,3}}(?P<scopes>[\"'`\[]?[\w.:/@*-][^\n;\"'`\]]{{1,200}}?[\"'`\]]?)[ \t]{{1,3}}(?:that )?(?:is|are|was|were|has|have|does|do)(?:n.t)? ?{_REFUSED}",
        "scope",
        read="fenced",
        remedy="change_request",
    ),
    says(
        "not allowed to ask for this scope",
        Verdict.SCOPE_REFUSED,
        NAMED + 1,
        rf"\b(?:not|n.t|un) ?(?:been |be |currently )?(?:authori[sz]ed|allowed|permitted|approved|entitled)\b[^\n]{{0,20}}\b(?:to (?:request|use|ask)|for)\b[^\n]{{0,40}}?\bscopes?[ \t]{{0,3}}:?[ \t]{{0,3}}{LIST}",
        "scope",
        read="strict",
    ),
    says(
        "scopes are invalid, named",
        Verdict.SCOPE_REFUSED,
        NAMED,
        rf"\bscopes?\b (?:is|are|was|were) (?:invalid|unknown|unsupported|not (?:\w+ )?(?:allowed|valid|supported|recogni[sz]ed|approved|authori[sz]ed))[ \t]{{0,3}}[:=(-][ \t]{{0,3}}{LIST}",
        "scope",
        remedy="change_request",
    ),
    says(
        "not allowed to ask",
        Verdict.SCOPE_REFUSED,
        NAMED + 1,
        r"permissions? to request\b[^\n]{0,40}\bscopes?|(?:not|n.t) (?:approved|authori[sz]ed|allowed) to (?:access|request|use) (?:the |this )?[^\n]{0,40}(?:object|scope)|scope error|isn.t available for public use|only requests? [^\n]{0,30}scopes? (?:that|which)[^\n]{0,30}approved",
        "scope",
        "approved",
        "authorized",
    ),
    says(
        "permission is missing",
        Verdict.MISSING_SCOPE,
        LOOSE,
        r"\b(?:insufficient|inadequate|missing|lack\w*)[_ ](?:\w+ ){0,3}?(?:permissions?|privileges?)\b|\bpermissions? (?:missing|not granted|insufficient)\b"
        r"|\b(?:not|n.t) have (?:the |all )?(?:required|necessary|sufficient|correct|appropriate|needed|proper|enough)[^\n.]{0,30}\bpermissions?|\bnot enough permissions?\b|\brequires?[^\n.]{0,30} permissions?\b"
        r"|\bpermissions? (?:is |are )?required\b|\bhas not granted\b|\bdid not grant\b|\bpermission_denied_by_user\b|\binsufficient_?permissions?\b",
        "permission",
        "privilege",
        "grant",
    ),
    says(
        "the person said no",
        Verdict.CONSENT_REFUSED,
        PHRASE,
        r"\b(?:user|customer|resource owner|member|athlete|patient|person|you)\b[^\n.:]{0,60}\b(?:denied|declined|refused|rejected|cancel(?:l)?ed|did not (?:consent|authori[sz]e|approve|allow|accept)|has not accepted|chose not)\b"
        r"|\b(?:denied|declined|refused|rejected|cancel(?:l)?ed) by (?:the )?(?:user|owner|customer|member)\b|\b(?:authori[sz]ation|consent|login|sign-?in)\b[^\n.:]{0,20}\b(?:was |has been )?(?:cancel(?:l)?ed|declined|refused)\b",
        "denied",
        "declined",
        "refused",
        "rejected",
        "cancel",
        "did not",
        "not accepted",
        "chose not",
    ),
    says(
        "the token is not accepted",
        Verdict.TOKEN_INVALID,
        PHRASE,
        r"\b(?:invalid|expired|revoked|bad|malformed|missing|unknown)\b[^\n.:,]{0,20}\b(?:access |refresh |auth\w* |oauth2? |bearer |session )?(?:token|credentials?|session|authentication)\b"
        r"|\b(?:token|session|jwt|signature|login|authori[sz]ation|authentication|credentials?|access)\b[^\n.]{0,60}?\b(?:has |have |is |was |been |are )*(?:expired|revoked|invalid(?:ated)?|not (?:been )?(?:valid|active|provided|accepted|recogni[sz]ed|found)|no longer valid|rejected|inactive|deleted|withdrawn)\b"
        r"|\brequest a new token\b|could not validate credentials|not authenticated|authentication (?:required|failed)|requires? (?:user )?authentication|please re-?(?:authori[sz]e|authenticate|connect|login|log in)|login required|error validating access token",
        "token",
        "session",
        "credential",
        "jwt",
        "authori",
        "authenti",
        "signature",
        "login",
        "reconnect",
        "access",
    ),
    says("too many requests", Verdict.NOT_A_SCOPE_PROBLEM, TOKEN + 2,
         r"\brate[_ -]?limit\w*\b(?:[_ ](?:is |has |was |been )?(?:exceeded|reached|hit))?|too[_ ]many[_ ]requests|quota[_ ]?(?:exceeded|limit)|throttl(?:ed|ing)|user rate limit|same arguments in less than|over_query_limit",
         "rate", "too many", "too_many", "quota", "throttl", "same arguments", remedy="wait"),
    says("user limit", Verdict.NOT_A_SCOPE_PROBLEM, NAMED,
         r"\b(?:user|athlete|connection|member|device|account)s?[ _](?:limit|cap|quota)[ _](?:has been |is |was )?(?:reached|exceeded)|limit of (?:connected )?(?:athletes|users)|too many (?:users|athletes|members)|user[ _]quota|maximum number of (?:users|athletes|connections)",
         "limit", "cap", "quota", "too many", "maximum", remedy="raise_limit"),
    says("a subscription", Verdict.NOT_A_SCOPE_PROBLEM, OTHER - 5, _SUBSCRIPTION,
         "subscription", "membership", "premium", "plan", "trial", "licen", "payment required", "billing", "not_subscribed"),
    says("a role", Verdict.NOT_A_SCOPE_PROBLEM, OTHER - 5, _ROLE,
         "must", "admin", "not a", "insufficient", "saml", "sso", "sign-on", "role", "not_in_channel", "channel_not_found", "ip "),
    says("an unknown API version or app", Verdict.NOT_A_SCOPE_PROBLEM, LOOSE,
         r"\b(?:upgrade required|update (?:the|your) app|unsupported api version|api key (?:is )?(?:invalid|missing|not valid)|missing subscription key|invalid subscription key|(?:no|unknown) (?:such )?(?:client|application))\b",
         "upgrade", "update", "version", "api key", "subscription key", "client", "application"),
)


_BY_STATUS = {
    401: (Verdict.TOKEN_INVALID, "", "Some providers answer 401 for a missing scope as well."),
    402: (Verdict.NOT_A_SCOPE_PROBLEM, "", ""),
    429: (Verdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
    502: (Verdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
    503: (Verdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
    504: (Verdict.NOT_A_SCOPE_PROBLEM, "wait", ""),
}


def by_status(exhibit: Exhibit) -> Iterator[Finding]:
    """Nothing but a status: enough for some, never for a 400, 403, 404 or 500."""
    if exhibit.status in _BY_STATUS:
        verdict, remedy, doubt = _BY_STATUS[exhibit.status]
        yield Finding(verdict, f"status {exhibit.status} alone", HINT, 0, 0, remedy=remedy, doubt=doubt)


RECOGNISERS = (*RECOGNISERS, by_status)
