"""Events in the order in which they became visible: a reader that goes on misses none."""

from __future__ import annotations

import pytest

from scopes.models import OutboxEvent
from scopes.outbox import endpoints, listing
from scopes.outbox.writing import NewEvent, write
from tests import cast
from tests.concurrently import in_another_session
from tests.outbox.receiving import ACT, endpoint

pytestmark = pytest.mark.django_db


def happen(*names: str, source: int | None = None) -> None:
    write([NewEvent("audit.finished", name, {}, source=source) for name in names], cast.NOW)


def read(after: int = 0, size: int = 100, **more: object) -> tuple[list[str], int]:
    found = listing.page(after, size, **more)  # type: ignore[arg-type]
    return [row.ordering_key for row in found], (found[-1].number or 0) if found else after


@pytest.mark.django_db(transaction=True)
def test_what_commits_later_with_a_smaller_id_is_listed_later() -> None:
    endpoint()
    with in_another_session(lambda: happen("slow")):
        happen("fast")
        names, last = read()
        assert names == ["fast"]
    slow, fast = OutboxEvent.objects.get(ordering_key="slow"), OutboxEvent.objects.get(ordering_key="fast")
    assert slow.pk < fast.pk
    assert read(last)[0] == ["slow"]
    assert read()[0] == ["fast", "slow"]


def test_pages_go_on_where_they_ended_also_once_everything_was_deleted() -> None:
    endpoint()
    happen("a", "b", "c")
    first, last = read(size=2)
    second, last = read(last)
    OutboxEvent.objects.all().delete()
    happen("d")
    assert (first, second, read(last)[0]) == (["a", "b"], ["c"], ["d"])


def test_a_reader_of_some_sources_sees_theirs_and_tests_are_left_out() -> None:
    to = endpoint()
    here, there = cast.terra(), cast.terra("terra:staging")
    happen("here", source=here.pk)
    happen("there", source=there.pk)
    happen("everywhere")
    endpoints.send_test(to.pk, ACT, cast.NOW)

    assert read()[0] == ["here", "there", "everywhere"]
    assert read(sources=[here.pk])[0] == ["here"]
    assert read(types=["link.settled"])[0] == []
