"""Pages of connections in each order that an index allows, forwards and backwards; every page costs the same.

By id (the order in which they were first seen) always; by the last consent within one integration, because the index
`connection_by_consent` begins with it. Connections without a known consent come last in both directions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db.models import Q, QuerySet

from scopes.judge import lookup
from scopes.models import Census, Connection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = 18


class Order(StrEnum):
    """In which order connections are listed."""

    OLDEST = ""
    NEWEST = "newest"
    LAST_CONSENT = "last_consent"
    FIRST_CONSENT = "first_consent"

    @property
    def by_consent(self) -> bool:
        return self in (Order.LAST_CONSENT, Order.FIRST_CONSENT)

    @property
    def falls(self) -> bool:
        return self in (Order.NEWEST, Order.LAST_CONSENT)


class Position(NamedTuple):
    """Where a connection stands in an order."""

    consented_at: datetime | None
    pk: int

    def __str__(self) -> str:
        if self.consented_at is None:
            return str(self.pk)
        return f"{self.pk}.{(self.consented_at - EPOCH) // timedelta(microseconds=1)}"


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """One page. `before` and `after` lead to the pages around it; None where there is none."""

    rows: tuple[Connection, ...]
    before: Position | None
    after: Position | None


def read_position(text: str, order: Order) -> Position | None:
    """The position that `str` wrote for this order; None for any other text."""
    pk, _, at = text.partition(".")
    if not all(one.isascii() and one.isdecimal() and len(one) < LONGEST for one in (pk, at or "0")):
        return None
    if not at or not order.by_consent:
        return Position(None, int(pk))
    return Position(EPOCH + timedelta(microseconds=int(at)), int(pk))


def page_of(
    standings: Sequence[int],
    order: Order,
    size: int,
    *,
    integration: int | None = None,
    after: Position | None = None,
    before: Position | None = None,
) -> ConnectionPage:
    """The connections with these standings behind `after`, or those in front of `before`, or the first.

    An order by consent needs the integration whose standings they are.
    """
    rows = lookup.with_standings(standings)
    if order.by_consent:
        rows = rows.filter(integration=integration)
    backwards = before is not None and after is None
    found = _read(rows, order, before if backwards else after, size + 1, backwards)
    shown = found[:size]
    if backwards:
        shown.reverse()
    if not shown:
        return ConnectionPage((), None, None)
    further = len(found) > size
    return ConnectionPage(
        tuple(shown),
        before=_position(shown[0], order) if (further if backwards else after is not None) else None,
        after=_position(shown[-1], order) if backwards or further else None,
    )


def batches_of(standings: Sequence[int], size: int = 1000) -> Iterator[list[Connection]]:
    """All connections with these standings, `size` at a time, whichever order costs least.

    Standings with few connections are read together, so that each query ends at an index's entries of its own.
    """
    counted = dict(Census.objects.filter(standing__in=list(standings)).values_list("standing", "connections"))
    together: list[int] = []
    number = 0
    for standing in standings:
        together.append(standing)
        number += counted.get(standing, 0)
        if number >= size or len(together) >= size:
            yield from _batches(together, size)
            together, number = [], 0
    yield from _batches(together, size)


def _batches(standings: Sequence[int], size: int) -> Iterator[list[Connection]]:
    after = 0
    while batch := list(lookup.page(standings, after, size)):
        yield batch
        if len(batch) < size:
            return
        after = batch[-1].pk


def _position(row: Connection, order: Order) -> Position:
    return Position(row.consented_at if order.by_consent else None, row.pk)


def _read(
    rows: QuerySet[Connection], order: Order, start: Position | None, number: int, backwards: bool
) -> list[Connection]:
    """At most `number` rows from `start` on, the nearest first."""
    rising = order.falls == backwards
    by_id = rows.order_by("pk" if rising else "-pk")
    if not order.by_consent:
        return list((by_id.filter(_beyond(rising, start.pk)) if start else by_id)[:number])
    sign = "" if rising else "-"
    dated = rows.filter(consented_at__isnull=False).order_by(f"{sign}consented_at", f"{sign}pk")
    undated = by_id.filter(consented_at__isnull=True)
    if start is not None and start.consented_at is not None:
        dated = dated.filter(_beyond_consent(rising, start.consented_at, start.pk))
        parts = [dated] if backwards else [dated, undated]
    elif start is not None:
        undated = undated.filter(_beyond(rising, start.pk))
        parts = [undated, dated] if backwards else [undated]
    else:
        parts = [dated, undated]
    found: list[Connection] = []
    for part in parts:
        if len(found) < number:
            found += part[: number - len(found)]
    return found


def _beyond(rising: bool, pk: int) -> Q:
    return Q(pk__gt=pk) if rising else Q(pk__lt=pk)


def _beyond_consent(rising: bool, at: datetime, pk: int) -> Q:
    if rising:
        return Q(consented_at__gte=at) & (Q(consented_at__gt=at) | Q(pk__gt=pk))
    return Q(consented_at__lte=at) & (Q(consented_at__lt=at) | Q(pk__lt=pk))
