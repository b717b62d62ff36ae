"""Who saw whom: written down once for an agent and a page in ten minutes, and read back.

The desk writes it for each page that shows somebody, whatever the method (see `site`); no screen does by itself, but
for connections that nobody has claimed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils.html import escape

from scopes.models import Connection, Person, TrailEntry
from scopes.models.trail import Act

PERSON, CONNECTION, LIST = "person.opened", "connection.opened", "people.listed"
VERBS = (PERSON, CONNECTION, LIST)
AGAIN = timedelta(minutes=10)


def note(agent: User, opened: Person | Connection, now: datetime) -> None:
    """Record that `agent` opened this page, unless there is a recent record of it."""
    if isinstance(opened, Person):
        entry = {"verb": PERSON, "person": opened, "subject": opened.reference_id[:200]}
    else:
        entry = {"verb": CONNECTION, "connection": opened, "subject": opened.user_id}
    _write(agent, now, entry, entry)


def note_shown(agent: User, page: str, people: Iterable[Person], now: datetime) -> None:
    """Write down whom the page of this name showed: one person by record, several by their ids in one entry."""
    shown = {person.pk: person for person in people}
    if len(shown) == 1:
        note(agent, next(iter(shown.values())), now)
    elif shown:
        entry = {"verb": LIST, "subject": page[:200]}
        pks = sorted(shown)
        _write(agent, now, entry | {"detail": {"people": pks}}, entry | {"detail__people__contains": pks})


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


def _write(agent: User, now: datetime, entry: dict[str, Any], like: dict[str, Any]) -> None:
    """Create the entry, unless there is a recent one that covers it."""
    if not TrailEntry.objects.filter(actor=agent, at__gt=now - AGAIN, **like).exists():
        Act(agent).entry(at=now, **entry).save()


def last_by(agent: User, how_many: int = 6) -> list[Person]:
    """The people whose page `agent` opened last, newest first, each once; looks at the last 50 openings."""
    entries = (
        TrailEntry.objects.filter(actor=agent, verb=PERSON, person__isnull=False)
        .select_related("person")
        .order_by("-at")[:50]
    )
    people = {entry.person_id: entry.person for entry in entries if entry.person}
    return list(people.values())[:how_many]
