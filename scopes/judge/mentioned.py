"""Find the people and connections whose id or e-mail address occurs among the words of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from scopes.judge.search import by_source_id
from scopes.models import Connection, FormerId, Person
from scopes.models.person import FOR_SEARCH

MOST_WORDS = 20
MOST_PEOPLE = 10
MOST_CONNECTIONS = 40


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What a text mentions: `people` by reference id or e-mail address, `exact` (connection ids) by an id of their own.

    `connections` are the `exact` ones and all of the people's, with integration, provider, policy version and person
    loaded.
    """

    people: tuple[Person, ...] = ()
    connections: tuple[Connection, ...] = ()
    exact: frozenset[int] = frozenset()


def find_mentioned(words: Sequence[str], people: Sequence[int] = (), connections: Sequence[int] = ()) -> Mentioned:
    """What up to 20 words mention, in three queries. `people` and `connections` are ids to include as mentioned."""
    words = [word for word in words if "\x00" not in word][:MOST_WORDS]
    if not words and not people and not connections:
        return Mentioned()
    unmerged = Connection.objects.filter(merged_into__isnull=True)
    # A union, so that each part uses its own index: an OR across them would scan the table.
    by_id = unmerged.filter(user_id__in=words).values_list("pk")
    by_former_id = FormerId.objects.filter(user_id__in=words, connection__merged_into__isnull=True)
    by_reference = unmerged.filter(person__isnull=True, reference_id__in=[word for word in words if word])
    by_key = unmerged.filter(pk__in=list(connections)[:MOST_CONNECTIONS]).values_list("pk")
    exact = frozenset(
        pk for (pk,) in by_id.union(by_former_id.values_list("connection"), by_reference.values_list("pk"), by_key)
    )
    anybody = Person.objects.defer(*FOR_SEARCH)
    found = anybody.filter(reference_id__in=words).union(
        anybody.filter(email__in=[word.lower() for word in words if "@" in word]).exclude(email=""),
        anybody.filter(pk__in=list(people)[:MOST_PEOPLE]),
    )
    who = sorted(found, key=lambda person: person.pk)[:MOST_PEOPLE]
    rows = with_policy(Q(pk__in=exact) | Q(person__in=[person.pk for person in who]))
    return Mentioned(people=tuple(who), connections=tuple(rows.order_by("pk")[:MOST_CONNECTIONS]), exact=exact)


def known_as(word: str) -> list[Connection]:
    """The connections with this id: our own id, or the source's current or former one."""
    which = Q(pk__in=[row.pk for row in by_source_id(word)])
    if word.isascii() and word.isdecimal() and len(word) < 19:
        which |= Q(pk=int(word)) | Q(pk__in=Connection.objects.filter(pk=int(word)).values("merged_into"))
    return list(with_policy(which).order_by("pk"))


def with_policy(which: Q) -> QuerySet[Connection]:
    """The unmerged connections that match, with all relations loaded that judging and displaying them needs."""
    return (
        Connection.objects.filter(which, merged_into__isnull=True)
        .select_related("integration__provider", "integration__source", "integration__policy_version", "person")
        .defer("person__search")
    )
