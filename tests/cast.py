"""The people of the tests: they are recorded as facts, as from a source, and nothing here writes a row of its own.

Ada has granted all, Ben lacks one scope (Oura's heart rate), Cy revoked, Dee's provider reports nothing (Apple Health),
Eve is on a retired provider (Fitbit), Finn has two providers (Oura and Withings).

The fixture of this name records them once in a process, and copies them for later tests: see `copied_rows`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scopes import flow
from scopes.catalogue import default
from scopes.facts import ConnectionFact, ConsentGiven, Fact, LinkChanged, LinkState, Origin, OriginKind, PersonKnown
from scopes.intake.recording.recorded import Recorded
from scopes.judge.policy import draft, ensure_integration
from scopes.models import Connection, Integration, Person, PolicyVersion, Source

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
SCREEN_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
CONSENTED = datetime(2026, 3, 1, 12, tzinfo=UTC)
BY_WEBHOOK = Origin("terra:prod", OriginKind.WEBHOOK, "cast")

EVERYTHING = ("email", "personal", "daily", "heartrate", "workout", "tag", "session", "spo2")
OURA_POLICY: dict[str, Any] = {
    "requested": list(EVERYTHING),
    "requirements": [
        {
            "feature": "sleep",
            "any_of": ["daily"],
            "title": {"en": "Sleep score", "de": "Schlafwert"},
            "why": {"en": "We need your daily summaries to show how you slept."},
        },
        {
            "feature": "recovery",
            "any_of": ["heartrate"],
            "title": {"en": "Recovery", "de": "Erholung"},
            "why": {"en": "We need your heart rate to show how you recover."},
        },
        {"feature": "training", "any_of": ["workout"], "level": "recommended", "title": {"en": "Training log"}},
        {"feature": "coaching", "any_of": ["session"], "plans": ["pro"], "title": {"en": "Coaching"}},
    ],
}

PEOPLE = (
    PersonKnown("ref-ada", "ada@example.com", "Ada Lovelace", "en", "pro"),
    PersonKnown("ref-ben", "ben@example.com", "Ben Bitdiddle", "de", "free"),
    PersonKnown("ref-cy", "cy@example.com", "Cy Young", "en", "free"),
    PersonKnown("ref-dee", "dee@example.com", "Dee Dee", "en", "free"),
    PersonKnown("ref-eve", "eve@example.com", "Eve Moneypenny", "en", "free"),
    PersonKnown("ref-finn", "finn@example.com", "Finn Mertens", "en", "pro"),
)


def consent(name: str, provider: str, scopes: tuple[str, ...] | None, at: datetime = CONSENTED) -> ConsentGiven:
    """The fact that `name` finished the consent screen of `provider`."""
    return ConsentGiven(provider, f"{name}-{provider}", at, reference_id=f"ref-{name}", scopes=scopes)


FACTS: tuple[ConnectionFact, ...] = (
    consent("ada", "oura", EVERYTHING),
    consent("ben", "oura", tuple(scope for scope in EVERYTHING if scope != "heartrate")),
    consent("cy", "oura", EVERYTHING),
    LinkChanged("oura", "cy-oura", LinkState.REVOKED, CONSENTED + timedelta(days=30), reference_id="ref-cy"),
    consent("dee", "apple_health", None),
    consent("eve", "fitbit", ("activity", "profile", "settings", "sleep")),
    consent("finn", "oura", EVERYTHING),
    consent("finn", "withings", None),
)


def terra(key: str = "terra:prod") -> Source:
    """The source that the cast comes from; only `terra:prod` counts as production."""
    kind, name = key.split(":")
    source, _ = Source.objects.get_or_create(kind=kind, name=name, defaults={"production": key == "terra:prod"})
    return source


def take_in(*facts: Fact, source: Source | None = None, origin: Origin = BY_WEBHOOK, now: datetime = NOW) -> Recorded:
    """Record `facts` as they would be recorded at `now`."""
    return flow.take_in(source or terra(), facts, origin, now)


def integration_of(provider: str, source: Source | None = None) -> Integration:
    """Our registration with `provider`, made if there is none."""
    return ensure_integration(source or terra(), default().provider(provider), SCREEN_SINCE)


def policy_for(
    provider: str, content: dict[str, Any], *, now: datetime = NOW, since: datetime | None = None
) -> PolicyVersion:
    """A policy, drafted and published; its consent screen is shown since `since`."""
    version = draft(integration_of(provider), content, author="Pat", now=now, note="For the tests.")
    flow.publish(version, now=now, in_force_from=since)
    version.refresh_from_db()
    return version


def assemble() -> Source:
    """The whole cast, under Oura's policy; the source that they come from."""
    policy_for("oura", OURA_POLICY, now=SCREEN_SINCE)
    flow.take_in_people(PEOPLE, NOW)
    take_in(*FACTS)
    return terra()


def the(name: str) -> Person:
    """The person of that name."""
    return Person.objects.get(reference_id=f"ref-{name.lower()}")


def connection_of(name: str, provider: str = "oura") -> Connection:
    """The connection of that person to `provider`, with all that a verdict needs."""
    return Connection.objects.select_related("standing", "integration__policy_version", "person").get(
        reference_id=f"ref-{name.lower()}", integration__provider__slug=provider, merged_into__isnull=True
    )
