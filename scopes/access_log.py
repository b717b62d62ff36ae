"""Who saw whom: recorded once for who looked and a page in ten minutes. Agents see people at the desk, keys by the API.

The desk writes it for each page that shows somebody, whatever the method (see `admin.site`); no screen does by itself,
but for connections that nobody has claimed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from scopes.models import Connection, Person, TrailEntry
from scopes.models.trail import Act

PERSON, CONNECTION, LIST = "person.opened", "connection.opened", "people.listed"
TOKEN = "token.given"  # noqa: S105 - a verb
VERBS = (PERSON, CONNECTION, LIST, TOKEN)
AGAIN = timedelta(minutes=10)


def note(who: Act, opened: Person | Connection, now: datetime) -> None:
    """Record that `who` saw this person or connection, unless there is a recent record of it."""
    if isinstance(opened, Person):
        entry = {"verb": PERSON, "person": opened, "subject": opened.reference_id[:200]}
    else:
        entry = {"verb": CONNECTION, "connection": opened, "subject": opened.user_id}
    _write(who, now, entry, entry)


def note_token(who: Act, connection: Connection, now: datetime) -> None:
    """Record that `who` was given an access token of this connection, unless there is a recent record of it."""
    about = {"person_id": connection.person_id, "connection": connection}
    entry = {"verb": TOKEN, **about, "subject": connection.reference_id[:200]}
    _write(who, now, entry, entry)


def note_shown(who: Act, page: str, people: Iterable[Person], now: datetime) -> None:
    """Record whom the page of this name showed: one person by record, several by their ids in one entry."""
    shown = {person.pk: person for person in people}
    if len(shown) == 1:
        note(who, next(iter(shown.values())), now)
    elif shown:
        entry = {"verb": LIST, "subject": page[:200]}
        pks = sorted(shown)
        _write(who, now, entry | {"detail": {"people": pks}}, entry | {"detail__people__contains": pks})


def note_exported(who: Act, page: str, people: Iterable[int], now: datetime) -> None:
    """Record whom a file that was downloaded on this page names, by their ids; each time anew."""
    if pks := sorted(set(people)):
        who.entry(LIST, now, subject=page[:200], detail={"people": pks}).save()


def _write(who: Act, now: datetime, entry: dict[str, Any], like: dict[str, Any]) -> None:
    """Create the entry, unless there is a recent one that covers it."""
    recent = TrailEntry.objects.filter(actor=who.author, actor_name=who.name, at__gt=now - AGAIN, **like)
    if not recent.exists():
        who.entry(at=now, **entry).save()
