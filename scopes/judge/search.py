"""Find people and connections by what somebody has at hand: an id, an e-mail address, a link, words of a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from django.db.models import F, QuerySet

from scopes.models import Connection, FormerId, Person, ReauthLink
from scopes.models.arrays import numbers, texts
from scopes.models.name_grams import LETTERS, grams, spellings
from scopes.models.person import FOR_SEARCH

NEAR = 2_000  # people among whom words that many have are met often enough
START_OF_ID = 4  # characters
_CONNECTED = """
    EXISTS (SELECT FROM scopes_connection connection
            WHERE connection.person_id = scopes_person.id AND connection.merged_into_id IS NULL
              AND connection.standing_id = ANY(%s::int[]))
"""
_WORD = re.compile(r"\w+")
_LINK = re.compile(r"https?://\S*?/r/([\w-]+)|/r/([\w-]{22})(?![\w-])", re.ASCII)
_MAILTO = re.compile(r"mailto:([^?]*)", re.IGNORECASE)
_NAME_AND_ADDRESS = re.compile(r"[^<>@]*<([^<>\s]+@[^<>\s]+)>")


def typed(text: str) -> str:
    """What is to be searched for: of the address of a link its public id, so that the secret is kept nowhere.

    Of `mailto:ada@example.com` and `Ada <ada@example.com>` it is the e-mail address.
    """
    text = unicodedata.normalize("NFC", text.strip())
    if link := _LINK.search(unquote(text)):
        return link[1] or link[2]
    if mailto := _MAILTO.fullmatch(text.partition("?")[0]):
        text = unquote(mailto[1]).replace("\x00", "")
    if named := _NAME_AND_ADDRESS.fullmatch(text):
        text = named[1]
    return text.strip()


def find_people(words: str) -> list[Person]:
    """The person with this reference id, else the people with this e-mail address. Exact matches only.

    The domain of an address may be written in letters or in punycode.
    """
    words = words.strip()
    people = Person.objects.defer(*FOR_SEARCH)
    by_reference = list(people.filter(reference_id=words))
    if by_reference or "@" not in words:
        return by_reference
    return list(people.filter(email__in=_ways_to_write(words)).order_by("pk")[:20])


def find_unclaimed(words: str) -> list[Connection]:
    """Unclaimed connections with this reference id, else with this current or former id of the source."""
    return unclaimed_with_reference(words) or [row for row in by_source_id(words) if row.person_id is None]


def unclaimed_with_reference(words: str) -> list[Connection]:
    """Unclaimed connections with this reference id."""
    unclaimed = Connection.objects.filter(person__isnull=True, merged_into__isnull=True)
    return list(unclaimed.filter(reference_id=words.strip()).order_by("pk")[:50]) if words.strip() else []


def by_source_id(words: str) -> list[Connection]:
    """Connections by the source's id, today's or a former one."""
    words = words.strip()
    if not words:
        return []
    former = FormerId.objects.filter(user_id=words).values("connection")
    today = list(Connection.objects.filter(user_id=words, merged_into__isnull=True))
    return today or list(Connection.objects.filter(pk__in=former, merged_into__isnull=True))


def by_start_of_id(start: str, most: int) -> tuple[list[Person], list[Connection], list[ReauthLink]]:
    """Up to `most` people, connections and links whose reference id, source's id or public id begins like this.

    Which ones is left open: ask for one more than are shown.
    """
    if len(start) < START_OF_ID or " " in start:
        return [], [], []
    connections = Connection.objects.filter(user_id__startswith=start, merged_into__isnull=True)
    links = ReauthLink.objects.filter(public_id__startswith=start).defer("secret_hash", "earlier_secret_hashes")
    return (
        list(Person.objects.filter(reference_id__startswith=start).defer(*FOR_SEARCH)[:most]),
        list(connections[:most]),
        list(links[:most]),
    )


def by_words(words: str, after: int, most: int, standings: Sequence[int] | None = None) -> list[Person]:
    """The first people with ids beyond `after` whose name, address or id has all these words, each perhaps only begun.

    Inside a name, three letters are enough. Who has some of the words only as they are written, in address or id, and
    others only inside the name, is found where nobody has all of them in one way. With `standings`: those with a
    connection in one of them. By id, so that every page costs the same.
    """
    wanted = [ways for word in words.split() if any(ways := _ways_to_have(word))]
    if not wanted:
        return []
    people = Person.objects.filter(pk__gt=after).defer(*FOR_SEARCH)
    if standings is not None:
        people = people.extra(where=[_CONNECTED], params=[numbers(standings)])  # noqa: S610
    mixed = _joined(" AND ", [_joined(" OR ", ways) for ways in wanted])
    # What many have is met soon on the way down the ids. By the indexes all of them would be read and sorted.
    ids = Person.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    if end := ids[NEAR : NEAR + 1].first():
        # "IS TRUE": by no index on words.
        near = people.filter(pk__lte=end).extra(where=[f"({mixed.sql}) IS TRUE"], params=mixed.values)  # noqa: S610
        found = list(near.order_by("pk")[:most])
        if len(found) == most:
            return found
    # Each way by one index, which meets all words at once: the most people with one of them are never read.
    found = [
        one for way in zip(*wanted, strict=True) if all(way) for one in _first(people, _joined(" AND ", way), most)
    ]
    if not found and len(wanted) > 1:
        found = _first(people, mixed, most)
    return sorted({person.pk: person for person in found}.values(), key=lambda person: person.pk)[:most]


class _Condition(NamedTuple):
    """SQL with its parameters."""

    sql: str
    values: list[str]


def _first(people: QuerySet[Person], condition: _Condition, most: int) -> list[Person]:
    """By the indexes, then sorted ("+ 0"); never down the ids until enough of a rare word are met."""
    return list(people.extra(where=[condition.sql], params=condition.values).order_by(F("pk") + 0)[:most])  # noqa: S610


def _joined(by: str, conditions: Iterable[_Condition | None]) -> _Condition:
    met = [condition for condition in conditions if condition is not None]
    return _Condition(by.join(f"({one.sql})" for one in met), [value for one in met for value in one.values])


def _ways_to_have(word: str) -> tuple[_Condition | None, _Condition | None]:
    """As it is written in name, address or id, its end perhaps missing; and inside the name. None where it can't be."""
    if not (written := _WORD.findall(word.replace("_", " "))):
        return None, _inside(word)
    search = "scopes_person.search @@ to_tsquery('simple', %s)"
    begun = _Condition(search, [" & ".join(f"'{one}'" for one in written) + ":*"])
    if own := "@" in word and _WORD.findall(word.partition("@")[0].replace("_", " ")):
        # By the index for what stands before the @ alone: millions may have the rest.
        return _Condition(f"{search} AND ({search}) IS TRUE", [f"'{max(own, key=len)}'", *begun.values]), None
    return begun, _inside(word)


def _inside(word: str) -> _Condition | None:
    return _joined(" AND ", map(_is_in_name, spelt)) if (spelt := spellings(word)) else None


def _is_in_name(spelt: Sequence[str]) -> _Condition:
    """The name has one of these spellings inside it; one that is too short is a word of it."""
    ways, values = [], []
    for spelling in spelt:
        ways.append("(scopes_person.name_grams @> %s::text[])")
        values.append(texts(grams(spelling)))
        if len(spelling) > LETTERS:
            # The n-grams may come from several places of the name.
            ways[-1] = f"({ways[-1]} AND array_to_string(scopes_person.name_grams, ' ') LIKE %s)"
            values.append(f"%{spelling}%")
    return _Condition(" OR ".join(ways), values)


def _ways_to_write(address: str) -> set[str]:
    """An e-mail address as it is typed, with its domain in letters, and with it in punycode."""
    local, _, domain = address.lower().rpartition("@")
    return {address.lower()} | {
        f"{local}@{'.'.join(map(way, domain.split('.')))}" for way in (_in_letters, _in_punycode)
    }


def _in_letters(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        letters = label.removeprefix("xn--").encode("ascii").decode("punycode")
        letters.encode()
    except UnicodeError:
        return label
    return unicodedata.normalize("NFC", letters.lower())


def _in_punycode(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
