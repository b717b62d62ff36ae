"""Conflicts about who owns a connection: it was reported for two people, or two reference ids differ only in case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from scopes.models import Connection, Person, ReferenceConflict
from scopes.models.arrays import among
from scopes.models.person import FOR_SEARCH
from scopes.sources import registry


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`report` names another reference id for `connection`, which keeps its own. `other` is that person, if known."""

    report: ReferenceConflict
    connection: Connection
    other: Person | None

    @property
    def who(self) -> str:
        """What the source that named both is called."""
        return registry.title_of(self.connection.integration.source)

    @property
    def sentence(self) -> str:
        """For the page of the person who has the connection."""
        return (
            f"{self.who} also reported this connection for `{self.report.reference_id}`, first on"
            f" {self.report.first_at:%-d %b %Y}. It stays with `{self.connection.reference_id}`, reported first."
        )

    @property
    def sentence_of_other(self) -> str:
        """For the page of the other person."""
        return (
            f"{self.who} also reported a connection of `{self.connection.reference_id}` for"
            f" `{self.report.reference_id}`: {self.connection.integration.provider.name}, `{self.connection.user_id}`,"
            f" first on {self.report.first_at:%-d %b %Y}."
            f" It stays with `{self.connection.reference_id}`, reported first."
        )


@dataclass(frozen=True, slots=True)
class InOtherCase:
    """`other_id` differs from `reference_id` only in case. It belongs to `person`, or to the unclaimed `connection`."""

    reference_id: str
    other_id: str
    person: Person | None = None
    connection: Connection | None = None

    @property
    def sentence(self) -> str:
        return f"`{self.reference_id}` and `{self.other_id}` differ only in case."


def contradictions(rows: QuerySet[ReferenceConflict]) -> list[Contradiction]:
    """The conflicts among `rows` that are not dismissed, each with its unmerged connection. At most three queries."""
    sides = [
        f"connection__{merged}{side}"
        for merged in ("", "merged_into__")
        for side in ("person", "integration__provider", "integration__source")
    ]
    rows = rows.filter(ended_at__isnull=True)
    if not rows.exists():  # as good as always
        return []
    reports = list(rows.select_related(*sides))
    references = {report.reference_id for report in reports}
    people = among(Person.objects.defer(*FOR_SEARCH), "reference_id", references) if references else ()
    known = {person.reference_id: person for person in people}
    found = [
        Contradiction(report, report.connection.merged_into or report.connection, known.get(report.reference_id))
        for report in reports
    ]
    return [one for one in found if one.report.reference_id != one.connection.reference_id]


def of_connections(pks: Iterable[int]) -> dict[int, list[Contradiction]]:
    """Connection -> conflicts about it, or about connections that were merged into it."""
    pks = list(pks)
    theirs = ReferenceConflict.objects.filter(Q(connection__in=pks) | Q(connection__merged_into__in=pks))
    found: dict[int, list[Contradiction]] = {}
    for one in contradictions(theirs.order_by("first_at", "reference_id", "pk")):
        of_one = found.setdefault(one.connection.pk, [])
        if one.report.reference_id not in {known.report.reference_id for known in of_one}:
            of_one.append(one)
    return found


def of_references(references: Iterable[str]) -> list[Contradiction]:
    """Conflicts about other people's connections that were reported for these reference ids too."""
    named = ReferenceConflict.objects.filter(reference_id__in=sorted(set(references) - {""}))
    return contradictions(named.order_by("first_at", "pk"))


def in_other_case(reference_id: str) -> list[InOtherCase]:
    """The people and unclaimed connections whose reference id differs from this one only in case."""
    if not reference_id:
        return []
    people = Person.objects.filter(reference_id__iexact=reference_id).exclude(reference_id=reference_id)
    unclaimed = Connection.objects.filter(person__isnull=True, reference_id__iexact=reference_id)
    unclaimed = unclaimed.exclude(reference_id="").exclude(reference_id=reference_id).filter(merged_into__isnull=True)
    if not people.values("pk").union(unclaimed.values("pk")).exists():  # as good as always
        return []
    found = {
        person.reference_id: InOtherCase(reference_id, person.reference_id, person)
        for person in people.defer(*FOR_SEARCH)
    }
    for row in unclaimed.order_by("pk"):
        found.setdefault(row.reference_id, InOtherCase(reference_id, row.reference_id, connection=row))
    return [found[other] for other in sorted(found)]
