"""Google: APIs (Calendar, Fit, Health, …), sign-in, and the libraries that print their errors."""

from __future__ import annotations

from scopes.diagnose.recognise import CERTAIN, CODE, LOOSE, NAMED, PHRASE, TOKEN, Recognises, says
from scopes.diagnose.verdicts import Verdict

RECOGNISERS: tuple[Recognises, ...] = (
    says(
        "Google insufficient scopes",
        Verdict.MISSING_SCOPE,
        CODE,
        r"access_token_scope_insufficient|insufficientpermissions?\b|insufficient authentication scopes?",
        "insufficient",
    ),
    says(
        "Google invalid scopes, listed",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"(?<![a-z])invalid=(?P<scopes>\[[^\[\]]{0,8000}(?:\]|$))",
        "invalid=",
        read="fenced",
        remedy="change_request",
    ),
    says(
        "Google app is blocked",
        Verdict.SCOPE_REFUSED,
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
    says(
        "Google delegation",
        Verdict.SCOPE_REFUSED,
        NAMED + 2,
        r"client (?:is )?(?:unauthorized|not authorized)[^\n]{0,80}scopes? requested"
        r"|not authorized for any of the scopes",
        "scopes",
        caveat="A service account has not been allowed these scopes by the organisation's administrator.",
    ),
    says(
        "Google API is not switched on",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CERTAIN,
        r"accessnotconfigured|service_disabled|has not been used in project|api [^\n]{0,60}is disabled"
        r"|it is disabled\. enable it",
        "accessnotconfigured",
        "disabled",
        "has not been used",
        remedy="change_console",
    ),
    says(
        "Google sign-in settings",
        Verdict.NOT_A_SCOPE_PROBLEM,
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
    says(
        "Google Health permission",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"resource_permission_denied",
        "resource_permission_denied",
        remedy="reauthenticate",
        caveat="It was seen with all scopes granted, and connecting again fixed it.",
    ),
    says(
        "Google the caller may not",
        Verdict.NOT_A_SCOPE_PROBLEM,
        LOOSE - 1,
        r"the caller does not have permission",
        "the caller does not",
        caveat="Google says so of a role or an object; a missing scope has another reason code, but not in every API.",
    ),
    says(
        "Google Fit needs consent",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"needs? oauth consent from the user|needs_oauth_permissions|\bapiexception:? 5000\b",
        "oauth consent",
        "needs_oauth",
        "apiexception",
    ),
    says(
        "Google credentials",
        Verdict.TOKEN_INVALID,
        TOKEN,
        r"invalid authentication credentials|request is missing required authentication|\bautherror\b"
        r"|sign_in_required",
        "authentication",
        "autherror",
        "sign_in_required",
    ),
    says(
        "Google daily limit",
        Verdict.NOT_A_SCOPE_PROBLEM,
        CODE,
        r"dailylimitexceeded|userratelimitexceeded|ratelimitexceeded|resource_exhausted|quotaexceeded",
        "limitexceeded",
        "exhausted",
        "quotaexceeded",
        remedy="wait",
    ),
    says(
        "the client is not approved",
        Verdict.SCOPE_REFUSED,
        PHRASE,
        r"restricted_client|not registered to use this scope|unregistered scope"
        r"|(?<![a-z])(?:token|app|client|application)[_ ](?:is )?(?:not[_ ](?:yet )?approved|only approved for)"
        r"|unapproved app",
        "restricted_client",
        "scope",
        "approved",
    ),
)
