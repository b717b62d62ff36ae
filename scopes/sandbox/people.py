"""Person and Connection, and the seven named people who come first, whatever the seed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the host application."""

    reference_id: str
    email: str
    name: str
    locale: str
    plan: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection at this Terra. `number` is None if it was made on a consent screen.

    `access`: the provider still accepts the token. `active`: what Terra reports, which may be out of date.
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


def account_at(provider: str, owner: str) -> str:
    """The id of somebody's account at a provider, by Terra's name of it: the same at each start."""
    return blake2b(f"{provider} {owner}".encode(), digest_size=8).hexdigest()


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
    """One connection of a named person: the person's place in NAMED_PEOPLE, the provider, the scope that is missing."""

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
