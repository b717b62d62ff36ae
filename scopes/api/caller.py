"""What a key may see, and how its calls are recorded."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from scopes.api.keys import sources_of
from scopes.api.problems import Problem
from scopes.models import ApiKey, Connection, Person
from scopes.models.api_key import in_logs
from scopes.models.person import FOR_SEARCH
from scopes.models.trail import Act


def act_of(key: ApiKey, reason: str = "", ticket: str = "") -> Act:
    """The act of a key: the activity log and the access log name it."""
    return Act(None, reason, ticket, by=in_logs(key.name))


def person_of(key: ApiKey, reference_id: str) -> Person:
    """The person, where the key may see them. Raises Problem.

    Whoever has connections, and none at a source of the key, is as unknown as somebody who was never reported.
    """
    own = Connection.objects.filter(person=OuterRef("pk"), merged_into__isnull=True)
    seen = own.filter(integration__source__in=sources_of(key))
    people = Person.objects.defer(*FOR_SEARCH).filter(Exists(seen) | ~Exists(own), reference_id=reference_id)
    person = people.first()
    if person is None:
        raise Problem(404, "person_not_found", "There is no person with this reference id.")
    return person


def reported_as(key: ApiKey, reference_id: str) -> Person:
    """The person, where the key may see them; or else one that is not stored, who has unclaimed connections only.

    Raises Problem.
    """
    try:
        return person_of(key, reference_id)
    except Problem:
        unknown = Person(reference_id=reference_id)
        if not connections_of(key, unknown).exists():
            raise
        return unknown


def connections_of(key: ApiKey, person: Person) -> QuerySet[Connection]:
    """The connections of the person that the key may see; of one who is not stored, the unclaimed ones."""
    rows = Connection.objects.filter(integration__source__in=sources_of(key), merged_into__isnull=True)
    if person._state.adding:
        return rows.filter(person__isnull=True, reference_id=person.reference_id)
    return rows.filter(person=person)
