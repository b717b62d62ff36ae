"""Whom a page shows, and whose page an agent opened last. The access log itself is `scopes.access_log`."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.utils.html import escape

from scopes.access_log import PERSON
from scopes.judge.lookup import NOT_LISTED_OF_PERSON
from scopes.models import Person, TrailEntry


def shown_in(content: str, people: Iterable[Person]) -> list[Person]:
    """Those of the people whose name, address or reference id stands in the page."""
    return [
        person
        for person in people
        if any(
            word and (word in content or escape(word) in content)
            for word in (person.name, person.email, person.reference_id)
        )
    ]


def last_by(agent: User, how_many: int = 6) -> list[Person]:
    """The people whose page `agent` opened last, newest first, each once; looks at the last 50 openings."""
    entries = (
        TrailEntry.objects.filter(actor=agent, verb=PERSON, person__isnull=False)
        .select_related("person")
        .defer(*NOT_LISTED_OF_PERSON)
        .order_by("-at")[:50]
    )
    people = {entry.person_id: entry.person for entry in entries if entry.person}
    return list(people.values())[:how_many]
