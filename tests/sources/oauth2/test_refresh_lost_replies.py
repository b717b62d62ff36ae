"""A reply that was lost on the way leaves it uncertain whether the refresh token was used up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scopes.catalogue.oauth import Rotates
from scopes.models import Token
from scopes.sources.errors import SourceUnavailable
from scopes.sources.oauth2 import tokens
from scopes.sources.oauth2.answers import TokenAnswer
from tests.sources.oauth2.refreshing import (
    Clock,
    as_before,
    clock,
    endpoint,
    expired,
    pair,
    provider,
    refresher,
    run,
)
from tests.sources.oauth2.token_endpoint import Drop, Endpoint, Reply

__all__ = ["clock", "endpoint"]
pytestmark = pytest.mark.django_db(transaction=True)


def drop_once(endpoint: Endpoint) -> None:
    """The first refresh is done, and its reply is lost."""

    def lose(_account: str) -> Reply | None:
        if len(endpoint.asked) == 1:
            raise Drop
        return None

    endpoint.misbehave = lose


class TestALostReply:
    def test_where_nothing_rotates_it_is_tried_again(self, endpoint: Endpoint, clock: Clock) -> None:
        drop_once(endpoint)
        row = expired("ada", endpoint)
        run(refresher(endpoint), clock)
        assert as_before(row) and row.uncertain_since is None
        clock.later = timedelta(minutes=2)
        run(refresher(endpoint), clock)
        row.refresh_from_db()
        assert (row.error, len(endpoint.asked)) == ("", 2)

    @pytest.mark.parametrize("rotates", [Rotates.YES, Rotates.OPTIONAL, Rotates.UNKNOWN])
    def test_where_it_rotates_it_is_uncertain_and_never_tried_again(
        self, endpoint: Endpoint, clock: Clock, rotates: Rotates
    ) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        drop_once(endpoint)
        row = expired("ada", endpoint, rotates=rotates)
        one = refresher(endpoint, rotates=rotates)
        assert run(one, clock) == []
        assert as_before(row) and row.uncertain_since is not None and row.refresh_at is None
        assert "nobody knows whether the refresh token was used up" in row.error
        clock.later = timedelta(days=3)
        assert run(one, clock) == []
        with pytest.raises(SourceUnavailable):
            one.usable(row.pk, clock)
        assert endpoint.asked == ["ada"] and not endpoint.ended, "reuse would have ended all that the person has"

    def test_within_the_grace_it_is_tried_once_more(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.grace = True, 1
        drop_once(endpoint)
        how: dict[str, Any] = {"rotates": Rotates.YES, "grace_seconds": 8 * 3600}
        row = expired("ada", endpoint, **how)
        run(refresher(endpoint, **how), clock)
        assert as_before(row) and row.uncertain_since is not None and row.refresh_at is not None
        clock.later = timedelta(minutes=6)
        run(refresher(endpoint, **how), clock)
        assert pair(row)[1] == "refresh-2-of-ada" and (row.error, row.failing_since) == ("", None)

    def test_where_the_grace_is_short_it_is_tried_at_once(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.grace = True, 1
        drop_once(endpoint)
        how: dict[str, Any] = {"rotates": Rotates.YES, "grace_seconds": 30}
        row = expired("ada", endpoint, **how)
        run(refresher(endpoint, **how), clock)
        assert pair(row)[1] == "refresh-2-of-ada" and len(endpoint.asked) == 2

    def test_after_the_grace_it_is_not(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        drop_once(endpoint)
        how: dict[str, Any] = {"rotates": Rotates.YES, "grace_seconds": 3600}
        row = expired("ada", endpoint, **how)
        run(refresher(endpoint, **how), clock)
        clock.later = timedelta(hours=2)
        run(refresher(endpoint, **how), clock)
        assert as_before(row) and row.refresh_at is None and endpoint.asked == ["ada"]

    def test_lost_twice_it_is_not_tried_a_third_time(self, endpoint: Endpoint, clock: Clock) -> None:
        def lose(_account: str) -> Reply | None:
            raise Drop

        endpoint.misbehave = lose
        how: dict[str, Any] = {"rotates": Rotates.YES, "may_retry": True}
        row = expired("ada", endpoint, **how)
        one = refresher(endpoint, **how)
        for _ in range(4):
            run(one, clock)
            clock.later += timedelta(minutes=10)
        row.refresh_from_db()
        assert len(endpoint.asked) == 2 and row.refresh_at is None and row.ended_at is None

    def test_an_answer_that_takes_too_long_is_lost_too(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.seconds = True, 1.0
        row = expired("ada", endpoint, rotates=Rotates.YES)
        run(refresher(endpoint, rotates=Rotates.YES), clock)
        assert as_before(row) and row.uncertain_since is not None

    def test_a_new_consent_ends_the_uncertainty(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = True
        drop_once(endpoint)
        row = expired("ada", endpoint, rotates=Rotates.YES)
        run(refresher(endpoint, rotates=Rotates.YES), clock)
        held_anew = TokenAnswer("access-2", "refresh-9-of-ada", expires_in=3600)
        how, kept = provider(endpoint, rotates=Rotates.YES), Token.GrantedIn.TOKEN_RESPONSE
        tokens.store(row.pk, held_anew, requested=(), granted_in=kept, oauth=how, now=timezone.now())
        row.refresh_from_db()
        assert row.uncertain_since is None and row.error == "" and row.refresh_at is not None
