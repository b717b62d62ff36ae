"""Sessions that have ended are deleted at night, whatever they hold; the others last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from scopes import nightly
from scopes.models import Source
from scopes.rights import sessions
from tests import cast


def begin(number: int, ends_in: timedelta) -> None:
    searched = Session.objects.encode({"searches": {"a": "ben@example.com"}})
    Session.objects.create(session_key=f"session-{number}", session_data=searched, expire_date=cast.NOW + ends_in)


@pytest.mark.django_db
def test_what_has_ended_goes_batch_by_batch_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "BATCH", 2)
    for number in range(5):
        begin(number, -timedelta(minutes=number))
    begin(9, timedelta(seconds=1))
    assert sessions.forget_ended(cast.NOW) == 5
    assert [session.pk for session in Session.objects.all()] == ["session-9"]
    assert sessions.forget_ended(cast.NOW) == 0


def test_the_night_does_it(cast: Source, django_assert_num_queries: Callable[..., object]) -> None:
    from tests import cast as people

    begin(1, -timedelta(days=1))
    begin(2, timedelta(days=1))
    nightly.run([], offline=True, clock=lambda: people.NOW, on_page=lambda rows: None)
    assert [session.pk for session in Session.objects.all()] == ["session-2"]
