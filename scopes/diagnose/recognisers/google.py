"""Google: APIs (Calendar, Fit, Health, …), sign-in, and the libraries that print their errors."""

from __future__ import annotations

from scopes.diagnose.recogniser import CERTAIN, CODE, LOOSE, NAMED, PHRASE, TOKEN, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "Google insufficient scopes",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        r"access_token_scope_insufficient|insufficientpermissions?\b|insufficient authentication scopes?",
        "insufficient",
    ),
    by_pattern(
        "Google invalid scopes, listed",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"(?<![a-z])invalid=(?P<scopes>\[[^\[\]]{0,8000}(?:\]|$))",
        "invalid=",
        read="fenced",
        remedy="change_request",
    ),
    by_pattern(
        "Google app is blocked",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED,
        r"\b(?:this )?app is blocked|has not completed the google verification|has not (?:been )?verified"
        r"|admin_policy_enforced"
        r"|app is not verified|unverified app|tried to access sensitive info",
        "blocked",
        "verif",
        "admin_policy_enforced",
        "sensitive info",
        caveat="Google blocks a client that asks for scopes it was not verified for.",
    ),
    by_pattern(
        "Google delegation",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED + 2,
        r"client (?:is )?(?:unauthorized|not authorized)[^\n]{0,80}scopes? requested"
        r"|not authorized for any of the scopes",
        "scopes",
        caveat="A service account has not been allowed these scopes by the organisation's administrator.",
    ),
    by_pattern(
        "Google API is not switched on",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"accessnotconfigured|service_disabled|has not been used in project|api [^\n]{0,60}is disabled"
        r"|it is disabled\. enable it",
        "accessnotconfigured",
        "disabled",
        "has not been used",
        remedy="change_console",
    ),
    by_pattern(
        "Google sign-in settings",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        NAMED,
        r"\b(?:org_internal|disallowed_useragent|deleted_client|access_token_type_unsupported)\b"
        r"|app.s request is invalid|api keys are not supported",
        "org_internal",
        "disallowed_useragent",
        "deleted_client",
        "access_token_type",
        "request is invalid",
        "api keys are not",
    ),
    by_pattern(
        "Google Health permission",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"resource_permission_denied",
        "resource_permission_denied",
        remedy="reauthenticate",
        caveat="It was seen with all scopes granted, and connecting again fixed it.",
    ),
    by_pattern(
        "Google the caller may not",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        LOOSE - 1,
        r"the caller does not have permission",
        "the caller does not",
        caveat="Google says so of a role or an object; a missing scope has another reason code, but not in every API.",
    ),
    by_pattern(
        "Google Fit needs consent",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"needs? oauth consent from the user|needs_oauth_permissions|\bapiexception:? 5000\b",
        "oauth consent",
        "needs_oauth",
        "apiexception",
    ),
    by_pattern(
        "Google credentials",
        ErrorVerdict.TOKEN_INVALID,
        TOKEN,
        r"invalid authentication credentials|request is missing required authentication|\bautherror\b"
        r"|sign_in_required",
        "authentication",
        "autherror",
        "sign_in_required",
    ),
    by_pattern(
        "Google daily limit",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"dailylimitexceeded|userratelimitexceeded|ratelimitexceeded|resource_exhausted|quotaexceeded",
        "limitexceeded",
        "exhausted",
        "quotaexceeded",
        remedy="wait",
    ),
    by_pattern(
        "the client is not approved",
        ErrorVerdict.SCOPE_REFUSED,
        PHRASE,
        r"restricted_client|not registered to use this scope|unregistered scope"
        r"|(?<![a-z])(?:token|app|client|application)[_ ](?:is )?(?:not[_ ](?:yet )?approved|only approved for)"
        r"|unapproved app",
        "restricted_client",
        "scope",
        "approved",
    ),
)
