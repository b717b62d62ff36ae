"""Shops and CRM: Shopify, HubSpot, Salesforce, Square, Stripe."""

from __future__ import annotations

from scopes.diagnose.recogniser import (
    CERTAIN,
    CODE,
    FENCED_LIST,
    KEY,
    LIST,
    NAMED,
    OTHER,
    TOKEN,
    RecogniserFunction,
    by_pattern,
)
from scopes.diagnose.result import ErrorVerdict

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "Shopify merchant approval",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"requires merchant approval for (?P<scopes>[^\n\"']{2,300}?) scopes?\b",
        "merchant approval",
        read="before",
        caveat="The shop granted the app before it asked for this scope, or the app was never approved for it.",
    ),
    by_pattern(
        "Shopify required access",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"required ?access" + KEY + r"[\"']?(?P<scopes>`[^`\n]{2,100}`(?:[^`\n]{1,20}`[^`\n]{2,100}`){0,6})",
        "required access",
        "requiredaccess",
        read="fenced",
    ),
    by_pattern(
        "Shopify permission is not given to the app",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"missing_shopify_permission(?:[ \t]{0,3}[:=][ \t]{0,3}" + LIST + r")?",
        "missing_shopify_permission",
    ),
    by_pattern(
        "Shopify protected data",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"app is not approved to access the \w+ (?:object|field|topic)",
        "not approved to access",
    ),
    by_pattern(
        "HubSpot required scopes",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"required(?:granular)?scopes" + KEY + FENCED_LIST,
        "requiredscopes",
        "requiredgranularscopes",
    ),
    by_pattern(
        "HubSpot missing scopes",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"has not been granted all required scopes|does not have proper permissions",
        "granted all required",
        "proper permissions",
    ),
    by_pattern(
        "HubSpot scopes of the app",
        ErrorVerdict.SCOPE_REFUSED,
        NAMED,
        r"does not have permissions to request the set of scopes|is not available for public use",
        "permissions to request",
        "public use",
    ),
    by_pattern(
        "Salesforce session",
        ErrorVerdict.TOKEN_INVALID,
        TOKEN,
        r"invalid_session_id|session (?:is )?not valid for use with|session expired or invalid",
        "session",
        caveat="A token without Salesforce's scope `api` is answered in the same words.",
    ),
    by_pattern(
        "Salesforce access",
        ErrorVerdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        r"\binsufficient_access(?:_\w+)?\b|\bapi_disabled_for_org\b|\boauth_app_blocked\b"
        r"|api is not enabled for this",
        "insufficient_access",
        "api_disabled",
        "oauth_app_blocked",
        "api is not enabled",
    ),
    by_pattern(
        "Salesforce consent",
        ErrorVerdict.CONSENT_REFUSED,
        CODE,
        r"user has not approved this consumer|oauth_app_access_denied|oauth_approval_error\w*",
        "approved this consumer",
        "oauth_app_access_denied",
        "oauth_approval_error",
    ),
    by_pattern(
        "Stripe key permission",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"having the (?P<scopes>['\"`]?\w+['\"`]?) permission would allow",
        "would allow",
        read="before",
    ),
    by_pattern(
        "Square scopes",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"authorize your application for the following scopes: " + LIST,
        "for the following scopes",
    ),
)
