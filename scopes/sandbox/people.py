"""What a person and a connection are here, and the few who stand in front of the crowd, the same for every seed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """What the host application knows of one of its users."""

    reference_id: str
    email: str
    name: str
    locale: str
    plan: str


@dataclass(frozen=True, slots=True)
class Connection:
    """What this Terra knows of one connection; `number` is None where it was made at a consent screen.

    `access` tells whether the provider still lets Terra in; `active` is what Terra says, which may lag behind.
    """

    user_id: str
    provider: str
    reference_id: str | None
    scopes: str | None
    active: bool
    created_at: str
    last_webhook_update: str | None
    access: bool = True
    number: int | None = None


NAMED_PEOPLE = (
    Person("ada", "ada@example.com", "Ada Archer", "en", "plus"),
    Person("ben", "ben@example.com", "Ben Brandt", "de", "plus"),
    Person("cy", "cy@example.com", "Cy Carter", "en", "free"),
    Person("dee", "dee@example.com", "Dee Dawson", "en", "free"),
    Person("eve", "eve@example.com", "Eve Engel", "de", "plus"),
    Person("finn", "finn@example.com", "Finn Fuchs", "de", "coach"),
    Person("gus", "gus@example.com", "Gus Gray", "en", "free"),
)


@dataclass(frozen=True, slots=True)
class NamedConnection:
    """One connection of the cast: whose, to what, lacking what, and how it stands."""

    person: int
    slug: str
    lacks: str = ""
    active: bool = True
    claimed: bool = True


NAMED_CONNECTIONS = (
    NamedConnection(0, "oura"),
    NamedConnection(1, "oura", lacks="heartrate"),
    NamedConnection(2, "garmin", active=False),
    NamedConnection(3, "apple_health"),
    NamedConnection(4, "fitbit"),
    NamedConnection(5, "oura"),
    NamedConnection(5, "garmin"),
    NamedConnection(6, "withings", claimed=False),
)
