"""Who opened whose page: written down once for an agent and a page in ten minutes, and read back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from scopes.models import Connection, Person, TrailEntry

PERSON, CONNECTION = "person.opened", "connection.opened"
VERBS = (PERSON, CONNECTION)
AGAIN = timedelta(minutes=10)


def note(agent: User, opened: Person | Connection, now: datetime) -> None:
    """Write down that `agent` opened this page, unless that was written lately."""
    person = opened if isinstance(opened, Person) else None
    connection = opened if isinstance(opened, Connection) else None
    verb = PERSON if person else CONNECTION
    lately = TrailEntry.objects.filter(actor=agent, verb=verb, person=person, connection=connection, at__gt=now - AGAIN)
    if not lately.exists():
        TrailEntry.objects.create(
            at=now,
            verb=verb,
            actor=agent,
            actor_name=agent.get_username(),
            person=person,
            connection=connection,
            subject=opened.reference_id[:200] if person else opened.user_id,  # type: ignore[union-attr]
        )


def last_by(agent: User, how_many: int = 6) -> list[Person]:
    """The people whose page `agent` opened last, newest first, each once; looks at the last 50 openings."""
    entries = (
        TrailEntry.objects.filter(actor=agent, verb=PERSON, person__isnull=False)
        .select_related("person")
        .order_by("-at")[:50]
    )
    people = {entry.person_id: entry.person for entry in entries if entry.person}
    return list(people.values())[:how_many]
