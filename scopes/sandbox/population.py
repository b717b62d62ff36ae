"""Generated people and connections: a function of (seed, number), so that a million of them need no storage.

People come in blocks of ten with a fixed pattern of connections, so the way from a connection's number to its
person is arithmetic. A user id encodes its number, so finding a connection by id needs no index either. The seven named
people come first, the same for every seed.
"""

from __future__ import annotations

import csv
import io
import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate, chain
from pathlib import Path
from uuid import UUID

from scopes.catalogue import Catalogue
from scopes.catalogue.entries import Provider
from scopes.sandbox.grants import common_grants, offered_scopes, reports_scopes, terra_name, unordered_scopes
from scopes.sandbox.people import NAMED_CONNECTIONS, NAMED_PEOPLE, Connection, Person
from scopes.sandbox.resources import Resources

CREATED_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)

# Percent of the connections, by catalogue slug.
MIX = {
    "oura": 22,
    "garmin": 20,
    "fitbit": 14,
    "strava": 9,
    "apple_health": 8,
    "google_health": 7,
    "google_fit": 5,
    "whoop": 5,
    "withings": 4,
    "polar": 2,
    "huawei": 1,
    "myfitnesspal": 1,
    "samsung_health": 1,
    "dexcom": 1,
}

# How many connections each of ten people has, over and over.
PATTERN = (1, 2, 1, 1, 3, 1, 1, 2, 1, 1)
BEFORE = (0, *accumulate(PATTERN))
OWNER = tuple(place for place, count in enumerate(PATTERN) for _ in range(count))

FIRST = (
    "Alice Anja Björn Carla Daniel Elif Emma Felix Frank Greta Hannah Ian Ines Jakob Jörg Kate Klara Lars Leon Maria "
    "Mehmet Mia Noah Nora Olga Oscar Paul Petra Quinn Rosa Sam Sören Tara Tom Ute Vera Victor Wanda Yusuf Zoe"
)
LAST = (
    "Adler Baker Becker Brown Clark Davies Dietrich Evans Fischer Foster Graham Groß Hughes Jansen Keller Klein Köhler "
    "Lewis Martin Meyer Miller Müller Neumann Novak Patel Reed Richter Schäfer Shaw Singh Smith Stein Taylor Turner "
    "Vogel Wagner Walsh Weber Wood Yilmaz"
)
FIRST_NAMES, LAST_NAMES = FIRST.split(), LAST.split()
PLANS = ("free", "free", "free", "free", "plus", "plus", "plus", "coach")
ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


class PeopleFileError(ValueError):
    """The people file cannot be written; the text says why."""


def connections_before(person: int) -> int:
    """How many connections the people before this one have together."""
    if person <= len(NAMED_PEOPLE):
        return sum(role.person < person for role in NAMED_CONNECTIONS)
    blocks, place = divmod(person - len(NAMED_PEOPLE), len(PATTERN))
    return len(NAMED_CONNECTIONS) + blocks * len(OWNER) + BEFORE[place]


def owner_of(number: int) -> tuple[int, int]:
    """The person whose connection this is, and which of theirs it is."""
    if number < len(NAMED_CONNECTIONS):
        person = NAMED_CONNECTIONS[number].person
        return person, number - connections_before(person)
    blocks, place = divmod(number - len(NAMED_CONNECTIONS), len(OWNER))
    return len(NAMED_PEOPLE) + blocks * len(PATTERN) + OWNER[place], place - BEFORE[OWNER[place]]


@dataclass(frozen=True)
class Population:
    """`connections` connections and their people, for a seed; `today` is the day that the data has come up to."""

    seed: int
    connections: int
    today: date
    catalogue: Catalogue

    @classmethod
    def of_people(cls, seed: int, people: int, today: date, catalogue: Catalogue) -> Population:
        return cls(seed, connections_before(people), today, catalogue)

    @property
    def people(self) -> int:
        return owner_of(self.connections - 1)[0] + 1 if self.connections else 0

    def person(self, n: int) -> Person:
        """The host's user number `n`."""
        if n < len(NAMED_PEOPLE):
            return NAMED_PEOPLE[n]
        first, last, plan, locale, domain, *_ = self._draws(b"person", n)
        name = f"{FIRST_NAMES[first % len(FIRST_NAMES)]} {LAST_NAMES[last % len(LAST_NAMES)]}"
        mailbox = name.lower().translate(ASCII).replace(" ", ".")
        return Person(
            reference_id=self._reference(n),
            email=f"{mailbox}.{n}@example.{('com', 'org')[domain % 2]}",
            name=name,
            locale=("en", "en", "de")[locale % 3],
            plan=PLANS[plan % len(PLANS)],
        )

    def connection(self, number: int) -> Connection:
        """The connection with this number, counted from 0."""
        if not 0 <= number < self.connections:
            raise IndexError(f"There are {self.connections} connections; number {number} is not among them.")
        person, slot = owner_of(number)
        answer, turn, state, age, second, quiet, days, unclaimed = self._draws(b"connection", number)
        if number < len(NAMED_CONNECTIONS):
            role = NAMED_CONNECTIONS[number]
            provider = self._providers[role.slug]
            granted: tuple[str, ...] | None = tuple(name for name in offered_scopes(provider) if name != role.lacks)
            active, claimed, quiet = role.active, role.claimed, 99
        else:
            provider = self._providers[self._slugs(person)[slot]]
            granted = self._grants[provider.slug][answer % 100] if state % 100 else None
            active, claimed = state % 40 != 1, unclaimed % 500 != 0
        created = CREATED_BEFORE - timedelta(days=1 + age % 900, seconds=second % 86400)
        return Connection(
            user_id=self._user_id(number),
            provider=terra_name(provider),
            reference_id=self._reference(person) if claimed else None,
            scopes=unordered_scopes(granted, turn) if granted is not None and reports_scopes(provider) else None,
            active=active,
            created_at=timestamp(created),
            last_webhook_update=timestamp(max(created, self._last_data(provider, active, quiet, days, second))),
            access=active,
            number=number,
        )

    def number_of(self, user_id: str) -> int | None:
        """The connection's number, decoded from its user id; None for an id that is not of this population."""
        try:
            raw = UUID(user_id).bytes
        except ValueError:
            return None
        number = int.from_bytes(raw[:6], "big") ^ self._mask(raw[6:])
        return number if number < self.connections and self._user_id(number) == user_id.lower() else None

    def of_reference(self, reference_id: str) -> list[Connection]:
        """The connections that carry this reference id."""
        person = self._person_of(reference_id)
        if person is None:
            return []
        numbers = range(connections_before(person), min(connections_before(person + 1), self.connections))
        return [found for found in map(self.connection, numbers) if found.reference_id == reference_id]

    def _draws(self, kind: bytes, n: int) -> tuple[int, ...]:
        """Eight numbers below 2**32, for this seed, kind and number alone."""
        return struct.unpack("<8I", blake2b(b"%d" % n, digest_size=32, key=b"%d" % self.seed, person=kind).digest())

    @cached_property
    def _providers(self) -> dict[str, Provider]:
        return {slug: self.resources.showing(slug) for slug in MIX}

    @cached_property
    def resources(self) -> Resources:
        return Resources(self.catalogue)

    @cached_property
    def _grants(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        return {slug: common_grants(provider) for slug, provider in self._providers.items()}

    def _slugs(self, person: int) -> list[str]:
        """Three different providers, by weight."""
        chosen: list[str] = []
        for draw in self._draws(b"providers", person)[:3]:
            place = draw % len(LOTS)
            while LOTS[place] in chosen:
                place = (place + 1) % len(LOTS)
            chosen.append(LOTS[place])
        return chosen

    def _last_data(self, provider: Provider, active: bool, quiet: int, days: int, second: int) -> datetime:
        """Mostly today or yesterday; for some weeks ago, and never after the provider or the connection ended."""
        if not active or quiet % 100 < 4:
            since = 20 + days % 100
        elif quiet % 100 < 10:
            since = days % 14
        else:
            since = days % 2
        last = datetime.combine(self.today, time(), UTC) - timedelta(days=since, seconds=second % 86400)
        if provider.retired_on:
            last = min(last, datetime.combine(provider.retired_on, time(), UTC) - timedelta(seconds=second % 86400))
        return last

    def _user_id(self, number: int) -> str:
        """A version 5 UUID: ten bytes drawn for the number, and before them the number, masked by those ten."""
        tail = bytearray(blake2b(b"%d" % number, digest_size=10, key=b"%d" % self.seed, person=b"user").digest())
        tail[0] = tail[0] & 0x0F | 0x50
        tail[2] = tail[2] & 0x3F | 0x80
        return str(UUID(bytes=(number ^ self._mask(tail)).to_bytes(6, "big") + tail))

    def _mask(self, tail: bytes | bytearray) -> int:
        return int.from_bytes(blake2b(tail, digest_size=6, key=b"%d" % self.seed, person=b"mask").digest(), "big")

    def _reference(self, person: int) -> str:
        return NAMED_PEOPLE[person].reference_id if person < len(NAMED_PEOPLE) else f"cust-{person:07d}"

    def _person_of(self, reference_id: str) -> int | None:
        names = [person.reference_id for person in NAMED_PEOPLE]
        if reference_id in names:
            person = names.index(reference_id)
        else:
            digits = reference_id.removeprefix("cust-")
            person = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 15 else -1
        exists = 0 <= person < self.people and self._reference(person) == reference_id
        return person if exists else None


LOTS = tuple(slug for slug, share in MIX.items() for _ in range(share))


def timestamp(moment: datetime) -> str:
    """As Terra writes it: UTC, six digits of a second."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def people_file(population: Population, form: str) -> Iterator[str]:
    """The host application's people, line by line: what `import_people` reads. `form` is one of FORMS."""
    return FORMS[form](map(population.person, range(population.people)))


def write_people(population: Population, path: Path) -> None:
    """Writes the people file, in the form that its name ends in; PeopleFileError where that is none of FORMS."""
    form = path.suffix.removeprefix(".")
    if form not in FORMS:
        raise PeopleFileError(f"{path.name} must end in .csv or .jsonl.")
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(people_file(population, form))


def _as_jsonl(people: Iterable[Person]) -> Iterator[str]:
    return (json.dumps(asdict(person), ensure_ascii=False) + "\n" for person in people)


def _as_csv(people: Iterable[Person]) -> Iterator[str]:
    for row in chain([Person.__dataclass_fields__], (asdict(person).values() for person in people)):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        yield line.getvalue()


FORMS = {"csv": _as_csv, "jsonl": _as_jsonl}
