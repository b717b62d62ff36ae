"""Whether a person may be contacted: marks not to, and how many links were created for them recently."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Count, Q

from scopes.models import DontContact, Person, ReauthLink
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.reauth.stopped_messages import Why, stop_messages

WITHIN = timedelta(days=30)


class CannotMark(Exception):
    """The mark cannot be set or lifted; the message says why."""


def mark_of(person: Person, now: datetime) -> DontContact | None:
    """The mark in force: it lasts through the whole of its last day, or until it is lifted."""
    return marks_of([person.pk], now).get(person.pk)


def marks_of(people: Iterable[int], now: datetime) -> dict[int, DontContact]:
    """The marks in force, by person."""
    in_force = Q(until__isnull=True) | Q(until__gte=now.date())
    marks = DontContact.objects.filter(in_force, person__in=people, lifted_at__isnull=True)
    return {mark.person_id: mark for mark in marks}


def recent_links(people: Iterable[int], now: datetime) -> dict[int, int]:
    """Person -> how many links they got in the last 30 days, for whatever integration; those who got none are left out.

    One that was withdrawn or replaced before anybody opened it does not count.
    """
    unused = Q(opened_at__isnull=True) & (Q(withdrawn_at__isnull=False) | Q(superseded_by__isnull=False))
    links = ReauthLink.objects.filter(person__in=people, created_at__gt=now - WITHIN).exclude(unused)
    return dict(links.values_list("person").annotate(number=Count("pk")).order_by())


@in_transaction
def set_mark(person: Person, act: Act, now: datetime, until: date | None = None) -> DontContact:
    """Mark the person as not to be contacted, until a day or without an end. Raises CannotMark."""
    if until is not None and until <= now.date():
        raise CannotMark("Choose a day after today, or leave it empty for no end date.")
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    if mark_of(person, now) is not None:
        raise CannotMark("This person is already marked “Do not contact”.")
    person.dont_contact.filter(lifted_at__isnull=True).update(lifted_at=now)  # those whose last day has passed
    mark = DontContact.objects.create(
        person=person,
        until=until,
        reason=act.reason,
        ticket=act.ticket,
        author=act.name,
        created_at=now,
    )
    stop_messages(Q(link__person=person), Why.DO_NOT_CONTACT, now)
    _note("contact.stopped", mark, act, now)
    return mark


@in_transaction
def lift(mark: DontContact, act: Act, now: datetime) -> None:
    """The person may be contacted again. Raises CannotMark."""
    if not DontContact.objects.filter(pk=mark.pk, lifted_at__isnull=True).update(lifted_at=now):
        raise CannotMark("Contact is already allowed again.")
    _note("contact.allowed", mark, act, now)


def _note(verb: str, mark: DontContact, act: Act, now: datetime) -> None:
    act.entry(
        verb,
        now,
        person_id=mark.person_id,
        detail={"mark": mark.pk, "until": mark.until.isoformat() if mark.until else None},
    ).save()
