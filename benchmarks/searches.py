"""The names of a population that is searched, and what is typed to find them, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from scopes.models import Integration, Person, ReauthLink
from scopes.models.name_grams import LETTERS, grams, spellings

SEVERAL = 40
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


def name_of(people: int) -> str:
    """SQL: the name of the nth person."""
    first, last, rare = (f"ARRAY[{', '.join(f"'{one}'" for one in names)}]" for names in (FIRST, SURNAMES, RARE))
    return f"""
        ({first})[1 + n %% {len(FIRST)}] || ' ' || CASE
            WHEN n > {people - people // 20} THEN '{LATE}'
            WHEN n %% 1009 = 0 THEN ({rare})[1 + n / 1009 %% {len(RARE)}]
            ELSE ({last})[1 + n / {len(FIRST)} %% {len(SURNAMES)}]
        END
    """


def kinds(people: int) -> dict[str, Sequence[str]]:
    """What is typed, by its kind."""
    some = list(Person.objects.filter(pk__in=_spread(people)).order_by("pk"))
    plain = [" ".join(spelt[-1] for spelt in spellings(person.name)) for person in some]
    common, late = _commonest(some), _commonest([Person(name=LATE)])
    links = list(ReauthLink.objects.order_by("pk").values_list("public_id", flat=True)[:SEVERAL])
    filters = ("provider:oura", "health:blocked", "health:broken", "reason:declined", "plan:pro", "source:terra:bench")
    return {
        "e-mail address": [person.email for person in some],
        "mailto: address": [f"mailto:{person.email}" for person in some],
        "address in punycode that nobody has": [f"user{n}@xn--mnchen-3ya.example" for n in range(SEVERAL)],
        "reference id, first characters": [person.reference_id[:-1] for person in some],
        "connection id, first characters": [f"terra-{person.pk}"[:-1] for person in some],
        "a link's id": links,
        "a link's address": [f"https://localhost/r/{link}/{'s' * 43}" for link in links],
        "a name as it is stored": [person.name for person in some],
        "a name without accents, written out": plain,
        "a rare name by another apostrophe": ["O'Shaughnessy", "oshaughnessy", "shaughnessy"],
        "a rare name without accents": ["odegard", "oedegaard", "muller ludenscheidt", "nunez"],
        "letters inside a rare name": ["aughne", "degaar", "denschei"],
        "three letters inside a name": [word[-3:] for name in plain for word in name.split()[-1:]],
        f"the commonest three letters ({', '.join(common)})": common,
        "three letters that only the last twentieth has": late,
        "a name that only the last twentieth has": ["tardieu", "ardie", "tardi", "ardieu"],
        "two words that many have": [f"{one} {two}" for one in common for two in ("ann", "mar", "er")],
        "a short word": ["an", "wei", "li", "jo"],
        "what nobody has": [f"zqx{n} nobody" for n in range(SEVERAL)],
        **{one: [one] for one in filters},
        "missing: of each scope": [f"missing:{scope}" for scope in _scopes()],
        "filters together": ["provider:oura health:blocked", "health:broken source:terra:bench plan:pro"],
        "a common word and a filter": [f"{word} {one}" for word in common[:3] for one in filters],
        "a rare word and a filter": [f"odegard {one}" for one in filters],
        "a common word of the last twentieth and a filter": [f"tardieu {one}" for one in filters],
    }


def _scopes() -> list[str]:
    contents = Integration.objects.values_list("policy_version__content", flat=True)
    return sorted({scope for content in contents for need in content["requirements"] for scope in need["any_of"]})


def _spread(people: int) -> list[int]:
    first = Person.objects.order_by("pk").values_list("pk", flat=True)[0]
    return [first + people * n // SEVERAL for n in range(SEVERAL)]


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
