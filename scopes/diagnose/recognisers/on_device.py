"""Health stores on a phone: Apple Health, Health Connect, Samsung. Only the phone's settings can fix these."""

from __future__ import annotations

from scopes.diagnose.recogniser import CERTAIN, CODE, NAMED, RecogniserFunction, by_pattern
from scopes.diagnose.result import ErrorVerdict

_BUILD = "It is a fault of our app's build: no setting of the phone can fix it."
_PERMISSION = r"(?P<scopes>android\.permission\.(?:health\.)?[A-Z_]+)"
_SETTINGS = "No link can fix it: the permission is given in the phone's settings."

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    by_pattern(
        "Health Connect permission",
        ErrorVerdict.MISSING_SCOPE,
        CERTAIN,
        r"(?:does not have|requires?|missing|lacks?|without|not granted:?)[^\n]{0,20}?"
        r"(?P<scopes>android\.permission\.(?:health\.)?[A-Z_]+?)(?=to read|to write|[^A-Z_]|$)",
        "android.permission",
        remedy="phone_settings",
        caveat=_SETTINGS,
    ),
    by_pattern(
        "Health Connect permission is not declared",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"(?P<scopes>\[?android\.permission\.health\.[A-Z_]+\]?) is not declared",
        "not declared",
        remedy="change_request",
        caveat="Our app does not declare the permission, so the phone cannot offer it.",
    ),
    by_pattern(
        "Health Connect permission is not in the manifest",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN + 1,
        _PERMISSION
        + r"[^\n]{0,30}\b(?:not (?:been )?(?:declared|found|listed|present)|missing|undeclared)\b[^\n]{0,30}manifest",
        "manifest",
        remedy="change_request",
        caveat=_BUILD,
    ),
    by_pattern(
        "the manifest lacks a Health Connect permission",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN + 1,
        r"manifest\b[^\n]{0,40}\b(?:not (?:declare|contain|list|include)|missing|lacks?|without)\b[^\n]{0,30}?"
        + _PERMISSION,
        "manifest",
        remedy="change_request",
        caveat=_BUILD,
    ),
    by_pattern(
        "the app's build",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"\bmissing\b[^\n]{0,60}\bentitlements?\b|\bentitlements?\b[^\n]{0,40}\b(?:missing|not found|not present)\b"
        r"|\bnshealth\w{0,20}usagedescription\b|\bmissing purpose string\b|\bmissing meta-?data\b[^\n]{0,100}health"
        r"|\bmust declare\b[^\n]{0,120}\bmanifest\b"
        r"|\bpermissions?[_ ]rationale\b[^\n]{0,80}\b(?:missing|not declared)\b",
        "entitlement",
        "usagedescription",
        "purpose string",
        "meta",
        "must declare",
        "rationale",
        remedy="change_request",
        caveat=_BUILD,
    ),
    by_pattern(
        "HealthKit types are disallowed",
        ErrorVerdict.SCOPE_REFUSED,
        CERTAIN,
        r"authori[sz]ation to (?:read|share)[^\n:]{0,60}disallowed:\s{0,3}(?P<scopes>[^\n]{2,3000})",
        "disallowed",
        remedy="change_request",
        caveat="Apple does not let our app ask for these types.",
    ),
    by_pattern(
        "HealthKit authorization",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"authori[sz]ation (?:is )?not determined|errorauthorizationdenied|authorizationdenied|sharingdenied"
        r"|com\.apple\.healthkit[^\n]{0,30}code=?\s?[45]\b",
        "authorization",
        "healthkit",
        "sharingdenied",
        remedy="phone_settings",
        caveat=_SETTINGS + " Apple never says whether reading was declined.",
    ),
    by_pattern(
        "Samsung Health permission",
        ErrorVerdict.MISSING_SCOPE,
        CODE,
        r"permissionkey|samsung[^\n]{0,60}permission (?:is )?(?:not|denied)",
        "permissionkey",
        "samsung",
        remedy="phone_settings",
        caveat=_SETTINGS,
        provider="samsung_health",
    ),
)
