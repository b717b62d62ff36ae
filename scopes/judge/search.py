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

NEAR = 10_000  # people among whom words that many have are met often enough
CHECKED = 200  # people whose n-grams are those of a word: most of them have the word
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

    Inside a name, three letters are enough. Beyond the first `NEAR` people, who has some words inside the name and
    others only elsewhere is found where nobody has all of them in one way. With `standings`: those with a connection in
    one of them. By id, so that every page costs the same.
    """
    wanted = [ways for word in words.split() if any(ways := _ways_to_have(word))]
    if not wanted:
        return []
    people = Person.objects.filter(pk__gt=after).defer(*FOR_SEARCH)
    if standings is not None:
        people = people.extra(where=[_CONNECTED], params=[numbers(standings)])  # noqa: S610
    mixed = _joined(" AND ", [_joined(" OR ", ways) for ways in wanted])
    # What many have is met soon on the way down the ids. By the indexes all of them would be read and sorted.
    end = Person.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[NEAR - 1 : NEAR].first()
    near = _down_the_ids(people if end is None else people.filter(pk__lte=end), mixed, most)
    if end is None or len(near) == most:
        return near
    people = people.filter(pk__gt=end)
    found: dict[int, Person] = {}
    # Each way by one index, which meets all words at once: the most people with one of them are never read.
    for way in zip(*wanted, strict=True):
        if not all(way):
            continue
        found |= {person.pk: person for person in _first(people, _joined(" AND ", way), most - len(near))}
        if len(found) >= most - len(near):
            last = sorted(found)[most - len(near) - 1]
            people = people.filter(pk__lte=last)
            if last - end < 3 * NEAR:
                return near + _down_the_ids(people, mixed, most - len(near))
    if not found and len(wanted) > 1:
        return near + _first(people, mixed, most - len(near))
    return near + [found[pk] for pk in sorted(found)[: most - len(near)]]


def _down_the_ids(people: QuerySet[Person], condition: _Condition, most: int) -> list[Person]:
    # "IS TRUE": by no index on words.
    text, values = condition.exact
    return list(_Sql(f"({text}) IS TRUE", values).of(people).order_by("pk")[:most])


class _Sql(NamedTuple):
    """A condition with its parameters."""

    text: str
    values: list[str]

    def of(self, people: QuerySet[Person]) -> QuerySet[Person]:
        return people.extra(where=[self.text], params=self.values)  # noqa: S610


class _Condition(NamedTuple):
    """What an index can meet, and the whole of it; the same where the index suffices."""

    by_index: _Sql
    exact: _Sql


def _first(people: QuerySet[Person], condition: _Condition, most: int) -> list[Person]:
    """By the indexes, then sorted ("+ 0"); never down the ids until enough of a rare word are met."""
    met = condition.by_index.of(people).order_by(F("pk") + 0)
    if condition.exact == condition.by_index:
        return list(met[:most])
    # To check the rest costs more than the index, and nearly all of them stand it.
    pks = list(met.values_list("pk", flat=True)[:CHECKED])
    found = _down_the_ids(people.filter(pk__in=pks), condition, most) if pks else []
    return found if len(found) == most or len(pks) < CHECKED else list(condition.exact.of(met)[:most])


def _joined(by: str, conditions: Iterable[_Condition | None]) -> _Condition:
    joined = [condition for condition in conditions if condition is not None]
    by_index, exact = ([one[place] for one in joined] for place in (0, 1))
    return _Condition(_sql_joined(by, by_index), _sql_joined(by, exact))


def _sql_joined(by: str, parts: Sequence[_Sql]) -> _Sql:
    return _Sql(by.join(f"({part.text})" for part in parts), [value for part in parts for value in part.values])


def _ways_to_have(word: str) -> tuple[_Condition | None, _Condition | None]:
    """Inside the name; and as it is written in name, address or id, its end perhaps missing. None where it can't be."""
    if not (written := _WORD.findall(word.replace("_", " "))):
        return _inside(word), None
    search = "scopes_person.search @@ to_tsquery('simple', %s)"
    begun = _Sql(search, [" & ".join(f"'{one}'" for one in written) + ":*"])
    if own := "@" in word and _WORD.findall(word.partition("@")[0].replace("_", " ")):
        # By the index for what stands before the @ alone: millions may have the rest.
        begun = _Sql(f"{search} AND ({search}) IS TRUE", [f"'{max(own, key=len)}'", *begun.values])
    return None if own else _inside(word), _Condition(begun, begun)


def _inside(word: str) -> _Condition | None:
    return _joined(" AND ", map(_is_in_name, spelt)) if (spelt := spellings(word)) else None


def _is_in_name(spelt: Sequence[str]) -> _Condition:
    """The name has one of these spellings inside it; one that is too short is a word of it."""
    has_grams = [_Sql("scopes_person.name_grams @> %s::text[]", [texts(grams(spelling))]) for spelling in spelt]
    exact = list(has_grams)
    for place, spelling in enumerate(spelt):
        if len(spelling) > LETTERS:
            # The n-grams may come from several places of the name.
            stands = _Sql("array_to_string(scopes_person.name_grams, ' ') LIKE %s", [f"%{spelling}%"])
            exact[place] = _sql_joined(" AND ", [has_grams[place], stands])
    return _Condition(_sql_joined(" OR ", has_grams), _sql_joined(" OR ", exact))


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
