"""Who gets no answer, or one about our client, stays as they are: nobody is blamed too early."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scopes.catalogue.oauth import Rotates
from scopes.models import Token
from scopes.sources.errors import AccountRefused, SourceUnavailable
from scopes.sources.oauth2 import refresh, tokens
from scopes.sources.oauth2.leases import MOST_ENDS
from scopes.sources.oauth2.refresh import IN_FLIGHT, MANY_REFUSED
from tests.sources.oauth2.keys import NEW, VARIABLE
from tests.sources.oauth2.refreshing import (
    Clock,
    as_before,
    clock,
    endpoint,
    expired,
    pair,
    refresher,
    run,
)
from tests.sources.oauth2.token_endpoint import Endpoint, Reply, refusal

__all__ = ["clock", "endpoint"]
pytestmark = pytest.mark.django_db(transaction=True)


class TestOurClientIsRefused:
    @pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "invalid_scope"])
    def test_it_ends_the_run_and_no_connection_changes(self, endpoint: Endpoint, clock: Clock, code: str) -> None:
        endpoint.misbehave = lambda _account: refusal(401 if code == "invalid_client" else 400, code)
        rows = [expired(f"user-{place}", endpoint) for place in range(30)]
        with pytest.raises(AccountRefused) as refused:
            run(refresher(endpoint), clock)
        assert "a-client-secret" not in str(refused.value)
        assert len(endpoint.asked) == 1, "the first alone finds out"
        assert all(as_before(row) and not row.error for row in rows)

    def test_those_on_their_way_are_kept_all_the_same(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.seconds = True, 0.02
        how: dict[str, Any] = {"rotates": Rotates.YES}
        rows = [expired(f"user-{place}", endpoint, **how) for place in range(20)]

        endpoint.misbehave = lambda account: refusal(401, "invalid_client") if account == "user-10" else None
        with pytest.raises(AccountRefused):
            run(refresher(endpoint, **how), clock)
        for row in rows:
            assert (
                pair(row)[1] == f"refresh-{endpoint.newest.get(row.connection.user_id, 1)}-of-{row.connection.user_id}"
            )


class TestManyAreRefusedAtOnce:
    def test_beyond_some_none_ends_and_all_are_tried_again(self, endpoint: Endpoint, clock: Clock) -> None:
        rows = [expired(f"user-{place}", endpoint) for place in range(MOST_ENDS + 2 * IN_FLIGHT)]
        endpoint.misbehave = lambda _account: refusal(400, "invalid_grant")

        facts = run(refresher(endpoint), clock)

        ended = Token.objects.filter(ended_at__isnull=False).count()
        assert MOST_ENDS <= ended == len(facts) < MOST_ENDS + IN_FLIGHT
        assert Token.objects.filter(refresh__isnull=False, error=MANY_REFUSED).count() >= 3
        clock.later += timedelta(minutes=2)
        assert run(refresher(endpoint), clock) == []
        assert Token.objects.filter(ended_at__isnull=False).count() == ended

        endpoint.misbehave = lambda _account: None
        clock.later += timedelta(hours=2)
        run(refresher(endpoint), clock)
        assert Token.objects.filter(refresh__isnull=False, error="").count() == len(rows) - ended

    def test_one_that_is_needed_now_is_kept_too(self, endpoint: Endpoint, clock: Clock) -> None:
        for place in range(MOST_ENDS):
            tokens.end(expired(f"user-{place}", endpoint).pk, clock())
        row = expired("ada", endpoint)
        endpoint.misbehave = lambda _account: refusal(400, "invalid_grant")

        with pytest.raises(SourceUnavailable, match="many connections"):
            refresher(endpoint).usable(row.pk, clock)
        assert pair(row)

    def test_where_more_are_refreshed_than_end_each_end_is_believed(self, endpoint: Endpoint, clock: Clock) -> None:
        for place in range(MOST_ENDS):
            tokens.end(expired(f"user-{place}", endpoint).pk, clock())
        for place in range(MOST_ENDS + 1):
            Token.objects.filter(pk=expired(f"good-{place}", endpoint).pk).update(
                refreshed_at=clock(), refresh_at=clock() + timedelta(hours=1)
            )
        expired("ada", endpoint)
        endpoint.misbehave = lambda _account: refusal(400, "invalid_grant")

        [fact] = run(refresher(endpoint), clock)

        assert fact.user_id == "ada"


PAGE = (200, {"Content-Type": "text/html"}, b"<html>We will be back soon</html>")
LONG = (200, {"Content-Type": "application/json"}, b'{"access_token":"' + b"a" * 11_000_000 + b'"}')


class TestNoAnswer:
    @pytest.mark.parametrize(
        "reply",
        [
            (500, {}, b""),
            (503, {"Content-Type": "text/html"}, b"<html>down</html>"),
            (429, {}, b""),
            PAGE,
            LONG,
            (200, {"Content-Type": "application/json"}, b'{"scope": "daily"}'),
            refusal(400, "temporarily_unavailable"),
        ],
        ids=["500", "503", "429", "page", "10 MB", "no token", "temporarily"],
    )
    def test_it_leaves_the_connection_as_it_is(self, endpoint: Endpoint, clock: Clock, reply: Reply) -> None:
        endpoint.misbehave = lambda _account: reply
        row = expired("ada", endpoint)
        assert run(refresher(endpoint), clock) == []
        assert as_before(row) and row.error and row.failing_since is not None
        assert row.uncertain_since is None and row.refresh_at is not None and row.refresh_at > timezone.now()
        assert "a-client-secret" not in row.error and "refresh-1" not in row.error
        endpoint.misbehave = lambda _account: None
        assert run(refresher(endpoint), clock) == [] and len(endpoint.asked) == 1, "not at once again"
        clock.later = timedelta(minutes=2)
        run(refresher(endpoint), clock)
        row.refresh_from_db()
        assert len(endpoint.asked) == 2 and row.error == "" and row.failing_since is None

    def test_the_pauses_grow_to_an_hour(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda _account: (500, {}, b"")
        row = expired("ada", endpoint)
        pauses = []
        for _ in range(9):
            at = clock()
            run(refresher(endpoint), clock)
            row.refresh_from_db()
            assert row.refresh_at is not None
            pauses.append(int((row.refresh_at - at).total_seconds() / 60))
            clock.later += row.refresh_at - at
        assert pauses == [1, 1, 2, 4, 8, 16, 32, 60, 60]

    def test_retry_after_holds_for_all_of_the_source(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda _account: (429, {"Retry-After": "600"}, b"")
        for place in range(5):
            expired(f"user-{place}", endpoint)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == 1
        clock.later = timedelta(minutes=9)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == 1
        endpoint.misbehave = lambda _account: None
        clock.later = timedelta(minutes=11)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == 6

    def test_one_that_is_down_is_not_hammered(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda _account: (500, {}, b"")
        for place in range(40):
            expired(f"user-{place}", endpoint)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == refresh.MOST_FAILURES

    def test_one_account_that_fails_does_not_hold_up_the_others(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda account: (500, {}, b"") if account == "user-0" else None
        rows = [expired(f"user-{place}", endpoint) for place in range(20)]
        run(refresher(endpoint), clock)
        for row in rows:
            row.refresh_from_db()
        assert [bool(row.error) for row in rows] == [True] + 19 * [False]

    def test_a_token_whose_key_is_gone_is_an_error_of_its_own(
        self, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = expired("ada", endpoint)
        monkeypatch.setenv(VARIABLE, NEW)
        assert run(refresher(endpoint), clock) == []
        row.refresh_from_db()
        assert "no key 'old'" in row.error and endpoint.asked == [] and row.uncertain_since is None

    def test_without_a_listener_nothing_is_uncertain(self, clock: Clock) -> None:
        unreachable = Endpoint(url="http://127.0.0.1:9/token")
        row = expired("ada", unreachable, rotates=Rotates.YES)
        run(refresher(unreachable, rotates=Rotates.YES), clock)
        assert as_before(row) and row.error and row.uncertain_since is None and row.refresh_at is not None
