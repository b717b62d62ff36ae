"""Which events are written, and for whom; with what changed, or not at all."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from scopes.models import OutboxEvent, Sending, Source
from scopes.outbox.writing import NewEvent, is_wanted, write
from tests import cast
from tests.outbox.receiving import endpoint

pytestmark = pytest.mark.django_db

BROKEN, AUDIT = "connection.broken", "audit.finished"


def happen(*events: tuple[str, Source | None]) -> int:
    return write(
        [NewEvent(kind, f"key-{place}", {"text": 'a "quote" and \\'}, source=source.pk if source else None)
         for place, (kind, source) in enumerate(events)], cast.NOW,
    )  # fmt: skip


def sent_to() -> list[tuple[str, str, str]]:
    rows = Sending.objects.order_by("event", "endpoint__name")
    return list(rows.values_list("event__type", "event__ordering_key", "endpoint__name"))


def test_each_endpoint_gets_the_types_and_sources_that_it_wants() -> None:
    here, there = cast.terra(), cast.terra("terra:staging")
    endpoint("all")
    endpoint("audits", types=[AUDIT])
    endpoint("here", sources=[here])

    assert is_wanted() and happen((BROKEN, here), (BROKEN, there), (AUDIT, None)) == 3

    assert sent_to() == [
        (BROKEN, "key-0", "all"), (BROKEN, "key-0", "here"),
        (BROKEN, "key-1", "all"),
        (AUDIT, "key-2", "all"), (AUDIT, "key-2", "audits"),
    ]  # fmt: skip
    assert OutboxEvent.objects.order_by("pk")[0].body == {
        "type": BROKEN,
        "timestamp": cast.NOW.isoformat(),
        "data": {"text": 'a "quote" and \\'},
    }


def test_what_no_endpoint_wants_is_not_written() -> None:
    endpoint("audits", types=[AUDIT])
    off = endpoint("off")
    off.state = "disabled"
    off.save()

    assert happen((BROKEN, cast.terra())) == 0
    assert not OutboxEvent.objects.exists()


def test_without_an_enabled_endpoint_nothing_is_wanted() -> None:
    assert not is_wanted()
    assert (happen((AUDIT, None)), write([], cast.NOW)) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_an_event_exists_with_what_it_reports_and_a_job_sends_it_once_both_are_committed() -> None:
    endpoint(types=[AUDIT])
    with transaction.atomic():
        happen((AUDIT, None))
        transaction.set_rollback(True)
    assert (OutboxEvent.objects.count(), _jobs()) == (0, [])

    with transaction.atomic():
        happen((AUDIT, None))
        happen((AUDIT, None))
        assert _jobs() == []
    assert _jobs() == ["send_events"]


def _jobs() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name FROM procrastinate_jobs")
        return [name for (name,) in cursor.fetchall()]
