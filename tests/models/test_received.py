"""Deliveries and listings: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from scopes.models import Listing, ListingShard, Source
from tests.cast import NOW, terra
from tests.models.rows import delivery, refuses, twice

pytestmark = pytest.mark.django_db


def a_listing() -> Listing:
    return Listing.objects.create(source=terra(), started_at=NOW)


def shard(**changes: Any) -> ListingShard:
    return ListingShard.objects.create(**{"start": 0} | changes)


REFUSED: dict[str, Callable[[], object]] = {
    "delivery_once_without_trace": lambda: twice(delivery, digest=uuid4()),
    "delivery_once_by_trace": lambda: twice(delivery, trace_id="trace"),
    "delivery_once_by_reused_trace": lambda: twice(delivery, trace_id="trace", digest=uuid4(), trace_reused=True),
    "delivery_is_processed_or_given_up": lambda: delivery(processed_at=NOW, given_up_at=NOW),
    "one_open_listing_per_source": lambda: twice(Listing.objects.create, source=terra(), started_at=NOW),
    "shard_once_of_listing_by_start": lambda: twice(shard, listing=a_listing()),
    "shard_ends_after_its_start": lambda: shard(listing=a_listing(), start=20, end=20),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


def test_the_database_allows_what_can_be(cast: Source) -> None:
    delivery(trace_id="a")
    delivery(trace_id="b")
    delivery()
    delivery()
