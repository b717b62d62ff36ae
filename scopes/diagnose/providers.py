"""Which provider a text is about: from what the reporter says, from Terra's fields, or from the hosts that it names."""

from __future__ import annotations

import re

from scopes.catalogue import Catalogue, Provider

# Where a text shows one of these, it is about that provider. First in the text wins.
MARKS = {
    "fitbit.com": "fitbit",
    "strava.com": "strava",
    "stravalib": "strava",
    "ouraring.com": "oura",
    "garmin.com": "garmin",
    "garminconnect": "garmin",
    "withings.net": "withings",
    "withings.com": "withings",
    "whoop.com": "whoop",
    "polaraccesslink.com": "polar",
    "flow.polar.com": "polar",
    "www.googleapis.com/auth/fitness": "google_fit",
    "googleapis.com/fitness": "google_fit",
    "fitness.googleapis.com": "google_fit",
    "googlehealth": "google_health",
    "health.googleapis.com": "google_health",
    "huawei.com/healthkit": "huawei",
    "health-api.cloud.huawei.com": "huawei",
    "cloud.huawei.com": "huawei",
    "com.huawei.hms": "huawei",
    "myfitnesspal": "myfitnesspal",
    "dexcom.com": "dexcom",
    "suunto.com": "suunto",
    "wahooligan.com": "wahoo",
    "coros.com": "coros",
    "com.apple.healthkit": "apple_health",
    "hkquantitytypeidentifier": "apple_health",
    "hkcategorytypeidentifier": "apple_health",
    "android.permission.health": "health_connect",
    "ultrahuman.com": "ultrahuman",
    "concept2.com": "concept2",
    "trainingpeaks.com": "trainingpeaks",
    "fatsecret.com": "fatsecret",
    "libreview": "freestyle_libre",
    "cronometer.com": "cronometer",
}
_MARK = re.compile("|".join(re.escape(mark) for mark in sorted(MARKS, key=len, reverse=True)))
_TERRA_FIELD = re.compile(
    r"(?i)\b(?:provider|resource)[\"'\]]{0,2}\s{0,5}(?:=>|[:=])\s{0,5}[\"']?([A-Z][A-Z0-9_]{2,30})\b"
)


def named(hint: str, catalogue: Catalogue) -> Provider | None:
    """The provider that somebody's words mean: its slug, its name, or Terra's name; the longest match wins."""
    words = _plain(hint[:200])
    if not words.strip():
        return None
    if provider := catalogue.known_anywhere_as(hint):
        return provider
    spellings = {_plain(spelling): one for one in catalogue.providers.values() for spelling in (one.slug, one.name)}
    found = [spelling for spelling in spellings if spelling in words]
    return spellings[max(found, key=len)] if found else None


def shown(text: str, catalogue: Catalogue) -> Provider | None:
    """The provider that a text gives away: Terra's `provider` or `resource`, else the first host."""
    for match in _TERRA_FIELD.finditer(text):
        if provider := catalogue.known_anywhere_as(match[1]):
            return provider
    mark = _MARK.search(text.lower())
    return catalogue.providers.get(MARKS[mark[0]]) if mark else None


def _plain(text: str) -> str:
    """Small letters and digits between single spaces, with one before and after: so that only whole words match."""
    return f" {re.sub(r'[^a-z0-9]+', ' ', text.lower()).strip()} "
