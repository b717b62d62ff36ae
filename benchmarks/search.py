"""How long a search takes, each kind of it, and how many people a second are recorded."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from statistics import median

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from benchmarks.population import START, populate, vacuum
from benchmarks.recording import Row, timed
from scopes import flow
from scopes.facts import PersonKnown
from scopes.models import Integration, Person, ReauthLink
from scopes.models.name_grams import LETTERS, grams, spellings

TIMES = 40
STANDINGS = 5_000
BATCH = 1_000
WRITTEN = 20_000
LINK = "bench-link-0123456789x"
FIRST = (
    "Ada", "Anna", "Ben", "Björn", "Chloé", "Daniel", "Emma", "François", "Grażyna", "Hans", "Ines", "Jürgen",
    "José-María", "Karin", "Łukasz", "Maria", "Marlene", "Noah", "Olga", "Pekka", "Renée", "Søren", "Siobhán", "Tomáš",
    "Ursula", "Viktor", "Wei", "Xenia", "Yusuf", "Zoë",
)  # fmt: skip
SYLLABLES = (
    "an", "ber", "cas", "del", "er", "fal", "gar", "hol", "in", "jan", "kel", "lund", "mar", "nov", "os", "pet",
    "quin", "ros", "sen", "tor", "ul", "ver", "wal", "xim", "yor", "zel",
)  # fmt: skip
SURNAMES = [f"{first}{second}".title() for first in SYLLABLES for second in SYLLABLES]
RARE = ("O’Shaughnessy", "Ødegård", "Müller-Lüdenscheidt", "Núñez")  # one in 1,009 has one of these
LATE = "Tardieu"  # and all of the last twentieth


def run(people: int) -> list[Row]:
    """Rows of (what, figure) over that many people, each with a connection."""
    logging.disable()
    populate(people, STANDINGS, name=_name(people))
    filling, filled = timed(flow.fill_name_grams)
    vacuum()
    agent, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(agent)
    rows = [(f"n-grams of {filled:,} names, filled in batches", f"{filled / filling:,.0f}/s")]
    rows += [(f"search: {what}", _cost(client, typed)) for what, typed in _searches(people).items()]
    return rows + _recorded()


def _name(people: int) -> str:
    """SQL: the name of the nth person."""
    first, last, rare = (f"ARRAY[{', '.join(f"'{one}'" for one in names)}]" for names in (FIRST, SURNAMES, RARE))
    return f"""
        ({first})[1 + n %% {len(FIRST)}] || ' ' || CASE
            WHEN n > {people - people // 20} THEN '{LATE}'
            WHEN n %% 1009 = 0 THEN ({rare})[1 + n / 1009 %% {len(RARE)}]
            ELSE ({last})[1 + n / {len(FIRST)} %% {len(SURNAMES)}]
        END
    """


def _searches(people: int) -> dict[str, Sequence[str]]:
    """What is typed, by its kind; each is tried so often that its slowest twentieth is seen."""
    some = list(Person.objects.filter(pk__in=_spread(people)).order_by("pk"))
    plain = [" ".join(spelt[-1] for spelt in spellings(person.name)) for person in some]
    common, late = _commonest(some), _commonest([Person(name=LATE)])
    ReauthLink.objects.create(
        public_id=LINK,
        secret_hash=b"hash",
        person=some[0],
        integration=some[0].connections.get().integration,
        author="bench",
        reason="To measure.",
        created_at=START,
        expires_at=START + timedelta(days=7),
    )
    address = f"https://localhost/r/{LINK}/{'s' * 43}"
    filters = ("provider:oura", "health:blocked", "health:broken", "reason:declined", "plan:pro", "source:terra:bench")
    return {
        "e-mail address": [person.email for person in some],
        "mailto: address": [f"mailto:{person.email}" for person in some],
        "address in punycode that nobody has": [f"user{n}@xn--mnchen-3ya.example" for n in range(TIMES)],
        "reference id, first characters": [person.reference_id[:-1] for person in some],
        "connection id, first characters": [f"terra-{person.pk}"[:-1] for person in some],
        "a link's id": [LINK] * TIMES,
        "a link's address": [address] * TIMES,
        "a name as it is stored": [person.name for person in some],
        "a name without accents, written out": plain,
        "a rare name by another apostrophe": ["O'Shaughnessy", "oshaughnessy", "shaughnessy"] * (TIMES // 3),
        "a rare name without accents": ["odegard", "oedegaard", "muller ludenscheidt", "nunez"] * (TIMES // 4),
        "letters inside a rare name": ["aughne", "degaar", "denschei"] * (TIMES // 3),
        "three letters inside a name": [word[-3:] for name in plain for word in name.split()[-1:]],
        f"the commonest three letters ({', '.join(common)})": common * (TIMES // len(common)),
        "three letters that only the last twentieth has": late * (TIMES // len(late)),
        "a name that only the last twentieth has": ["tardieu", "ardie", "tardi", "ardieu"] * (TIMES // 4),
        "two words that many have": [f"{one} {two}" for one in common for two in ("ann", "mar", "er")],
        "a short word": ["an", "wei", "li", "jo"] * (TIMES // 4),
        "what nobody has": [f"zqx{n} nobody" for n in range(TIMES)],
        **{one: [one] * TIMES for one in filters},
        "missing: of each scope": [f"missing:{scope}" for scope in _scopes()],
        "filters together": ["provider:oura health:blocked", "health:broken source:terra:bench plan:pro"] * 20,
        "a common word and a filter": [f"{word} {one}" for word in common[:3] for one in filters],
        "a rare word and a filter": [f"odegard {one}" for one in filters],
        "a common word of the last twentieth and a filter": [f"tardieu {one}" for one in filters],
    }


def _scopes() -> list[str]:
    contents = Integration.objects.values_list("policy_version__content", flat=True)
    return sorted({scope for content in contents for need in content["requirements"] for scope in need["any_of"]})


def _spread(people: int) -> list[int]:
    first = Person.objects.order_by("pk").values_list("pk", flat=True)[0]
    return [first + people * n // TIMES for n in range(TIMES)]


def _commonest(people: Iterable[Person]) -> list[str]:
    counted = Counter(
        gram
        for person in people
        for spelt in spellings(person.name)
        for word in spelt
        for gram in grams(word)
        if len(gram) == LETTERS
    )
    return [gram for gram, _ in counted.most_common(5)]


def _cost(client: Client, typed: Sequence[str]) -> str:
    """Milliseconds from what is typed to the page that shows what was found."""
    search = reverse("admin:search")
    taken = []
    for words in (typed[0], *typed):
        seconds, response = timed(lambda words=words: client.post(search, {"words": words}, follow=True))  # type: ignore[misc]
        if response.status_code != 200:
            raise SystemExit(f"A search answered {response.status_code}")
        taken.append(seconds * 1000)
    taken = sorted(taken[1:])
    return f"{median(taken):.0f} ms, p95 {taken[int(len(taken) * 0.95)]:.0f} ms"


def _recorded() -> list[Row]:
    """How many people a second the host's report records: new ones, renamed ones, the same ones."""
    rows = []
    for what, more in (("new", ""), ("renamed", " Junior"), ("unchanged", " Junior")):
        names = [FIRST[n % len(FIRST)] + " " + SURNAMES[n % len(SURNAMES)] + more for n in range(WRITTEN)]
        known = [PersonKnown(f"late-{n}", f"late{n}@example.com", name) for n, name in enumerate(names)]
        batches = [known[start : start + BATCH] for start in range(0, WRITTEN, BATCH)]
        seconds, _ = timed(lambda batches=batches: [flow.take_in_people(batch, START) for batch in batches])  # type: ignore[misc]
        rows.append((f"people recorded, {what}, {BATCH:,} at once", f"{WRITTEN / seconds:,.0f}/s"))
    return rows
