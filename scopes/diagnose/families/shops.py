"""Shops and CRM: Shopify, HubSpot, Salesforce, Square, Stripe."""

from __future__ import annotations

from scopes.diagnose.recognise import CERTAIN, CODE, FENCED_LIST, KEY, LIST, NAMED, OTHER, TOKEN, Recognises, says
from scopes.diagnose.verdicts import Verdict

RECOGNISERS: tuple[Recognises, ...] = (
    says(
        "Shopify merchant approval",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"requires merchant approval for (?P<scopes>[^\n\"']{2,300}?) scopes?\b",
        "merchant approval",
        read="before",
        caveat="The shop granted the app before it asked for this scope, or the app was never approved for it.",
    ),
    says(
        "Shopify required access",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"required ?access" + KEY + r"[\"']?(?P<scopes>`[^`\n]{2,100}`(?:[^`\n]{1,20}`[^`\n]{2,100}`){0,6})",
        "required access",
        "requiredaccess",
        read="fenced",
    ),
    says(
        "Shopify permission is not given to the app",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"missing_shopify_permission(?:[ \t]{0,3}[:=][ \t]{0,3}" + LIST + r")?",
        "missing_shopify_permission",
    ),
    says(
        "Shopify protected data",
        Verdict.SCOPE_REFUSED,
        CERTAIN,
        r"app is not approved to access the \w+ (?:object|field|topic)",
        "not approved to access",
    ),
    says(
        "HubSpot required scopes",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"required(?:granular)?scopes" + KEY + FENCED_LIST,
        "requiredscopes",
        "requiredgranularscopes",
    ),
    says(
        "HubSpot missing scopes",
        Verdict.MISSING_SCOPE,
        NAMED,
        r"has not been granted all required scopes|does not have proper permissions",
        "granted all required",
        "proper permissions",
    ),
    says(
        "HubSpot scopes of the app",
        Verdict.SCOPE_REFUSED,
        NAMED,
        r"does not have permissions to request the set of scopes|is not available for public use",
        "permissions to request",
        "public use",
    ),
    says(
        "Salesforce session",
        Verdict.TOKEN_INVALID,
        TOKEN,
        r"invalid_session_id|session (?:is )?not valid for use with|session expired or invalid",
        "session",
        caveat="A token without Salesforce's scope `api` is answered in the same words.",
    ),
    says(
        "Salesforce access",
        Verdict.NOT_A_SCOPE_PROBLEM,
        OTHER,
        r"\binsufficient_access(?:_\w+)?\b|\bapi_disabled_for_org\b|\boauth_app_blocked\b"
        r"|api is not enabled for this",
        "insufficient_access",
        "api_disabled",
        "oauth_app_blocked",
        "api is not enabled",
    ),
    says(
        "Salesforce consent",
        Verdict.CONSENT_REFUSED,
        CODE,
        r"user has not approved this consumer|oauth_app_access_denied|oauth_approval_error\w*",
        "approved this consumer",
        "oauth_app_access_denied",
        "oauth_approval_error",
    ),
    says(
        "Stripe key permission",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"having the (?P<scopes>['\"`]?\w+['\"`]?) permission would allow",
        "would allow",
        read="before",
    ),
    says(
        "Square scopes",
        Verdict.MISSING_SCOPE,
        CERTAIN,
        r"authorize your application for the following scopes: " + LIST,
        "for the following scopes",
    ),
)
