"""Silence is visible: how long no webhook came, beside what is usual at that source, and never mixed with "never"."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes.audit import silence
from scopes.audit.silence import Silence
from scopes.models import Delivery, Source
from tests.cast import NOW, terra

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def deliver(*times: datetime, source: Source | None = None) -> None:
    Delivery.objects.bulk_create(
        Delivery(source=source or terra(), digest=uuid4(), kind="daily", signed_at=at, received_at=at) for at in times
    )


def every(pause: timedelta, since: datetime, until: datetime) -> list[datetime]:
    return [since + pause * n for n in range((until - since) // pause + 1)]


def found(now: datetime = NOW, key: str = "terra:prod") -> Silence:
    return next(one for one in silence.silences(now) if one.source == key)


def learnt() -> timedelta | None:
    silence.learn(NOW)
    return Source.objects.get(key="terra:prod").longest_gap


def test_the_longest_gap_of_two_weeks_is_learnt() -> None:
    first = NOW - timedelta(days=10)
    deliver(*every(timedelta(minutes=20), first, first + DAY))
    deliver(*every(timedelta(minutes=20), first + DAY + 5 * HOUR, NOW))
    deliver(NOW - timedelta(days=20))

    assert learnt() == timedelta(hours=5)
    assert found().usual == timedelta(hours=7.5)


def test_a_source_is_silent_only_once_it_is_so_for_longer_than_usual() -> None:
    deliver(*every(4 * HOUR, NOW - 10 * DAY, NOW))
    silence.learn(NOW)

    assert not found(NOW + timedelta(hours=6)).too_long
    late = found(NOW + timedelta(hours=6, seconds=1))
    assert (late.too_long, late.last_at, late.hours) == (True, NOW, 6)


def test_usual_is_an_hour_at_least_and_a_day_at_most() -> None:
    deliver(*every(timedelta(minutes=6), NOW - 5 * DAY, NOW))
    assert (learnt(), found().usual) == (HOUR, HOUR)

    Delivery.objects.filter(received_at__gt=NOW - 4 * DAY, received_at__lt=NOW).delete()
    assert found().usual == HOUR, "before it is learnt anew"
    assert learnt() is not None
    assert found().usual == DAY


def test_what_is_not_learnt_yet_may_be_silent_for_a_day() -> None:
    deliver(*every(HOUR / 2, NOW - 2 * DAY, NOW))
    assert learnt() is None
    assert not found(NOW + DAY).too_long
    assert found(NOW + DAY + HOUR).too_long


def test_after_two_weeks_of_silence_what_was_learnt_still_holds() -> None:
    deliver(*every(4 * HOUR, NOW - 10 * DAY, NOW))
    silence.learn(NOW)
    silence.learn(NOW + 30 * DAY)
    assert found(NOW + 30 * DAY).usual == timedelta(hours=6)


def test_a_source_without_any_webhook_is_not_silent() -> None:
    terra()
    never = found()
    assert (never.never, never.too_long, never.last_at) == (True, False, None)
    assert silence.silent(silence.as_data([never])) == {}


def test_staging_counts_only_where_there_is_no_production() -> None:
    staging = terra("terra:staging")
    deliver(NOW - 2 * DAY, source=staging)
    assert silence.silent(silence.as_data(silence.silences(NOW))) == {
        "terra:staging": "none for 48 h, and 24 h are usual at most"
    }

    deliver(NOW)
    assert silence.silent(silence.as_data(silence.silences(NOW))) == {}
    assert [one.source for one in silence.silences(NOW)] == ["terra:prod", "terra:staging"]


def test_the_hosts_own_source_sends_no_webhooks() -> None:
    Source.objects.create(kind="host", name="app")
    assert silence.silences(NOW) == []


def test_it_costs_as_many_questions_for_ten_sources_as_for_one() -> None:
    for number in range(10):
        deliver(NOW, source=terra(f"terra:env{number}"))
    with CaptureQueriesContext(connection) as queries:
        assert len(silence.silences(NOW)) == 10
    assert len(queries) == 1
