"""Collect everything stored about one reference id, for export and erasure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from scopes.judge.search import find_people
from scopes.models import (
    Attempt,
    Connection,
    Delivery,
    DontContact,
    EarlierAccount,
    FormerId,
    LinkEvent,
    LiveCheck,
    Merge,
    Message,
    Move,
    Note,
    OutboxEvent,
    Period,
    Person,
    QuarantinedFact,
    ReauthLink,
    Recipient,
    ReferenceConflict,
    Refusal,
    ReportedError,
    Sending,
    SuspectedDuplicate,
    Token,
    TrailEntry,
    Waiver,
)
from scopes.outbox.announce import link_key
from scopes.rights.naming import Names


class Ambiguous(ValueError):
    """Several people have this e-mail address."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Everything stored under `reference_id`. `person` is None if only a source reported the id.

    `connections` include merged ones. `tokens` are read without the tokens themselves. `reference_conflicts` are
    reports of another person for one of these connections, `named_for` reports of this person for somebody else's.
    All lists are in the order of recording.
    """

    reference_id: str
    person: Person | None
    connections: list[Connection]
    former_ids: list[FormerId]
    link_events: list[LinkEvent]
    periods: list[Period]
    waivers: list[Waiver]
    live_checks: list[LiveCheck]
    refusals: list[Refusal]
    reported_errors: list[ReportedError]
    tokens: list[Token]
    quarantined: list[QuarantinedFact]
    merges: list[Merge]
    suspected: list[SuspectedDuplicate]
    moves: list[Move]
    earlier_accounts: list[EarlierAccount]
    reference_conflicts: list[ReferenceConflict]
    named_for: list[ReferenceConflict]
    attempts: list[Attempt]
    links: list[ReauthLink]
    messages: list[Message]
    recipients: list[Recipient]
    dont_contact: list[DontContact]
    notes: list[Note]
    events: list[OutboxEvent]
    sendings: list[Sending]
    trail: list[TrailEntry]
    names: Names

    @property
    def is_empty(self) -> bool:
        return self.person is None and not (self.connections or self.attempts or self.named_for)

    @property
    def references(self) -> set[str]:
        """The reference id in all spellings that sources reported."""
        named_in = (self.connections, self.attempts, self.named_for)
        return {row.reference_id for rows in named_in for row in rows} - {""}

    @property
    def source_ids(self) -> set[str]:
        """The ids of the person's connections at their sources: current, former, and made for an attempt."""
        ids = {row.user_id for rows in (self.connections, self.former_ids, self.attempts) for row in rows}
        return (ids | {row.survivor_user_id for row in self.merges}) - {""}

    def counts(self) -> dict[str, int]:
        """Kind -> number of rows, without zeros."""
        everything = {
            "person": 1 if self.person else 0,
            "connections": len(self.connections),
            "link events": len(self.link_events),
            "periods": len(self.periods),
            "waivers": len(self.waivers),
            "live checks": len(self.live_checks),
            "refusals": len(self.refusals),
            "reported errors": len(self.reported_errors),
            "tokens": len(self.tokens),
            "quarantined facts": len(self.quarantined),
            "merges": len(self.merges),
            "suspected duplicates": len(self.suspected),
            "moves to a successor": len(self.moves),
            "earlier accounts": len(self.earlier_accounts),
            "reports for two people": len(self.reference_conflicts) + len(self.named_for),
            "attempts": len(self.attempts),
            "links": len(self.links),
            "messages": len(self.messages),
            "campaigns": len(self.recipients),
            "do-not-contact marks": len(self.dont_contact),
            "notes": len(self.notes),
            "events": len(self.events),
            "activity log entries": len(self.trail),
        }
        return {what: number for what, number in everything.items() if number}


def reference_of(words: str) -> str:
    """The reference id of the person with this reference id or e-mail address. Raises Ambiguous."""
    people = find_people(words)
    if len(people) > 1:
        raise Ambiguous(f"{len(people)} people have this e-mail address: name one of them by the reference id.")
    return people[0].reference_id if people else words.strip()


def personal_data_of(reference_id: str, *, lock: bool = False) -> PersonalData:
    """Everything stored about `reference_id`, except deliveries. `lock`: lock the person and the connections."""
    people = Person.objects.filter(reference_id=reference_id)
    person = (people.select_for_update() if lock else people).first() if reference_id else None
    connections = _connections(reference_id, person, lock=lock)
    pks = [row.pk for row in connections]
    former_ids = list(FormerId.objects.filter(connection__in=pks).order_by("pk"))
    links = list(
        ReauthLink.objects.filter(person=person).select_related("integration__provider", "integration__source")
        .order_by("pk")
        if person
        else []
    )  # fmt: skip
    attempts = _attempts(reference_id, person, connections, former_ids, links)
    merges = list(Merge.objects.filter(Q(absorbed__in=pks) | Q(survivor__in=pks)).order_by("pk"))
    suspected = SuspectedDuplicate.objects.filter(Q(first__in=pks) | Q(second__in=pks))
    earlier_accounts = list(EarlierAccount.objects.filter(connection__in=pks).select_related("provider").order_by("pk"))
    named_for = _named_for(reference_id, pks)
    live_checks = list(LiveCheck.objects.filter(connection__in=pks).order_by("pk"))
    ids = {
        reference_id,
        *(value for row in connections for value in (row.user_id, row.reference_id, row.provider_user_id)),
        *(row.user_id for row in former_ids),
        *(value for row in attempts for value in (row.user_id, row.session_id, row.reference_id)),
        *(row.account for row in live_checks),
        *(row.provider_user_id for row in merges),
        *(row.account_id for row in earlier_accounts),
        *(row.reference_id for row in named_for),
    }
    events = _events(pks, links)
    public_ids = {link.public_id for link in links}
    about = Q(connection__in=pks) | Q(subject__in=(ids | public_ids) - {""})
    trail = TrailEntry.objects.filter(about | Q(person=person) if person else about)
    return PersonalData(
        reference_id=reference_id,
        person=person,
        connections=connections,
        former_ids=former_ids,
        link_events=_link_events(connections, former_ids),
        periods=list(Period.objects.filter(connection__in=pks).select_related("standing").order_by("since", "pk")),
        waivers=list(Waiver.objects.filter(connection__in=pks).order_by("pk")),
        live_checks=live_checks,
        quarantined=list(QuarantinedFact.objects.filter(connection__in=pks).order_by("pk")),
        tokens=list(Token.objects.filter(connection__in=pks).defer("access", "refresh").order_by("pk")),
        refusals=list(Refusal.objects.filter(connection__in=pks).order_by("pk")),
        reported_errors=list(ReportedError.objects.filter(connection__in=pks).order_by("pk")),
        merges=merges,
        suspected=list(suspected.order_by("pk")),
        moves=list(
            Move.objects.filter(Q(old__in=pks) | Q(new__in=pks))
            .select_related("old__integration__provider", "new__integration__provider")
            .order_by("pk")
        ),
        earlier_accounts=earlier_accounts,
        reference_conflicts=list(ReferenceConflict.objects.filter(connection__in=pks).order_by("pk")),
        named_for=named_for,
        attempts=attempts,
        links=links,
        messages=list(Message.objects.filter(link__in=links).order_by("link", "number")),
        recipients=list(
            Recipient.objects.filter(Q(connection__in=pks) | Q(person=person) if person else Q(connection__in=pks))
            .select_related("campaign", "integration__provider", "integration__source", "link")
            .order_by("pk")
        ),
        events=events,
        sendings=list(Sending.objects.filter(event__in=events).select_related("endpoint").order_by("pk")),
        dont_contact=list(DontContact.objects.filter(person=person).order_by("pk")) if person else [],
        notes=list(Note.objects.filter(person=person).order_by("pk")) if person else [],
        trail=list(trail.select_related("integration__provider", "integration__source").order_by("at", "pk")),
        names=Names(ids, _words(person)),
    )


def deliveries_naming(names: Names) -> Iterator[Delivery]:
    """The deliveries whose body or error mentions the person. Scans all deliveries: some seconds per million."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM scopes_delivery WHERE body::text ILIKE ANY(%s) OR error ILIKE ANY(%s) ORDER BY id",
            [names.like, names.like],
        )
        candidates = [pk for (pk,) in cursor.fetchall()]
    for delivery in Delivery.objects.filter(pk__in=candidates).select_related("source").order_by("pk").iterator():
        if names.in_json(delivery.body) or names.in_text(delivery.error):
            yield delivery


def _connections(reference_id: str, person: Person | None, *, lock: bool) -> list[Connection]:
    """The connections of the person or under the reference id, and all that were merged into them.

    The case of the reference id is ignored, unless another person has exactly that spelling.
    """
    others = Person.objects.filter(reference_id__iexact=reference_id).exclude(reference_id=reference_id)
    own = Q(reference_id__iexact=reference_id, person__isnull=True) & ~Q(reference_id="")
    own &= ~Q(reference_id__in=list(others.values_list("reference_id", flat=True)))
    found = set(Connection.objects.filter(own | Q(person=person) if person else own).values_list("pk", flat=True))
    newest = found
    while newest:
        newest = set(Connection.objects.filter(merged_into__in=newest).values_list("pk", flat=True)) - found
        found |= newest
    rows = Connection.objects.filter(pk__in=found).order_by("pk")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    return list(rows.select_related("integration__provider", "integration__source"))


def _named_for(reference_id: str, pks: list[int]) -> list[ReferenceConflict]:
    """Reports of this reference id for somebody else's connections; case as in `_connections`."""
    others = Person.objects.filter(reference_id__iexact=reference_id).exclude(reference_id=reference_id)
    rows = ReferenceConflict.objects.filter(reference_id__iexact=reference_id).exclude(connection__in=pks)
    rows = rows.exclude(reference_id__in=list(others.values_list("reference_id", flat=True)))
    sides = ("connection__integration__provider", "connection__integration__source")
    return list(rows.select_related(*sides).order_by("pk"))


def _link_events(connections: list[Connection], former_ids: list[FormerId]) -> list[LinkEvent]:
    """The link events of all current and former ids."""
    ids = {(row.integration_id, row.user_id) for rows in (connections, former_ids) for row in rows}
    events = LinkEvent.objects.filter(user_id__in=[user_id for _, user_id in ids]).order_by("happened_at", "pk")
    return [event for event in events if (event.integration_id, event.user_id) in ids]


def _attempts(
    reference_id: str,
    person: Person | None,
    connections: list[Connection],
    former_ids: list[FormerId],
    links: list[ReauthLink],
) -> list[Attempt]:
    """The person's attempts, and unclaimed ones under one of their ids. Each part of the query uses an index."""
    ids = {row.user_id for row in connections} | {row.user_id for row in former_ids}
    spelt = Q(reference_id__iexact=reference_id) & ~Q(reference_id="")
    unclaimed = Q(person__isnull=True) & (
        spelt | Q(user_id__in=ids) | Q(connection__in=[row.pk for row in connections])
    )
    theirs = Q(person=person) | Q(link__in=[link.pk for link in links])
    rows = Attempt.objects.filter(unclaimed | theirs if person else unclaimed)
    return list(rows.select_related("source", "provider", "link").order_by("started_at", "pk"))


def _events(pks: list[int], links: list[ReauthLink]) -> list[OutboxEvent]:
    """The events about the connections, and about links that had no connection yet. Scans the events of a month."""
    about_links = Q(connection__isnull=True, ordering_key__in=[link_key(link.pk) for link in links])
    return list(OutboxEvent.objects.filter(Q(connection__in=pks) | about_links).order_by("pk"))


def _words(person: Person | None) -> list[str]:
    """The words that mention the person in a text: the e-mail address, and a name of several words."""
    return [] if person is None else [person.email, *([person.name] if " " in person.name.strip() else [])]
