"""Tokens are refreshed before they end, on demand as well, and what the provider says is believed."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from scopes.catalogue.oauth import Rotates
from scopes.facts import LinkChanged, LinkState, ScopesChanged
from scopes.models import Token
from scopes.sources.errors import CredentialDead
from scopes.sources.oauth2 import refresh, tokens
from scopes.sources.oauth2.answers import TokenAnswer
from tests import cast
from tests.concurrently import at_once
from tests.sources.oauth2 import holding
from tests.sources.oauth2.holding import held
from tests.sources.oauth2.refreshing import (
    AN_HOUR,
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
from tests.sources.oauth2.token_endpoint import Endpoint, Reply, refusal

__all__ = ["clock", "endpoint"]
pytestmark = pytest.mark.django_db(transaction=True)


class TestWhatIsRefreshed:
    def test_what_is_due_is_refreshed_and_nothing_else(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        held("ben", timezone.now(), provider(endpoint))
        assert run(refresher(endpoint), clock) == []
        assert endpoint.asked == ["ada"]
        assert pair(row) == ("access-2-of-ada", "refresh-1-of-ada") and row.refreshed_at is not None
        assert row.refresh_at is not None and row.refresh_at > timezone.now() + timedelta(minutes=50)
        assert run(refresher(endpoint), clock) == [] and endpoint.asked == ["ada"]

    def test_before_it_ends(self, endpoint: Endpoint, clock: Clock) -> None:
        held("ada", timezone.now(), provider(endpoint))
        clock.later = timedelta(minutes=54)
        run(refresher(endpoint), clock)
        assert endpoint.asked == []
        clock.later = timedelta(minutes=56)
        run(refresher(endpoint), clock)
        assert endpoint.asked == ["ada"]

    def test_a_rotated_token_takes_the_place_of_the_old(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        row = expired("ada", endpoint, rotates=Rotates.YES)
        one = refresher(endpoint, rotates=Rotates.YES)
        for generation in (2, 3, 4):
            clock.later += 2 * AN_HOUR
            assert run(one, clock) == []
            assert pair(row)[1] == f"refresh-{generation}-of-ada"

    def test_many_are_refreshed_several_at_a_time(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.seconds = 0.02
        for place in range(60):
            expired(f"user-{place}", endpoint)
        run(refresher(endpoint), clock)
        assert sorted(endpoint.asked) == sorted(f"user-{place}" for place in range(60))
        assert 4 < endpoint.most_together <= refresh.IN_FLIGHT

    @pytest.mark.parametrize(
        ("wanted", "sent"), [(True, ["https://portal.example/r/back/oauth2/acme/"]), (False, None)]
    )
    def test_the_redirect_uri_is_sent_again_where_the_provider_wants_it(
        self, endpoint: Endpoint, clock: Clock, settings: Settings, wanted: bool, sent: list[str] | None
    ) -> None:
        settings.PORTAL_URL = "https://portal.example"
        row = expired("ada", endpoint)
        run(refresher(endpoint, redirect_uri=wanted), clock)
        assert endpoint.forms[0].get("redirect_uri") == sent
        assert pair(row)[0] == "access-2-of-ada"

    def test_without_time_nothing_is_begun(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        assert list(refresher(endpoint).due(clock, lambda: False)) == []
        assert endpoint.asked == [] and as_before(row)

    def test_a_connection_thought_broken_that_refreshes_works(self, endpoint: Endpoint, clock: Clock) -> None:
        expired("ada", endpoint)
        broken = LinkChanged(holding.PROVIDER, "ada", LinkState.TOKEN_REJECTED, timezone.now())
        cast.take_in(broken, source=holding.source(), now=timezone.now())
        (fact,) = run(refresher(endpoint), clock)
        assert isinstance(fact, LinkChanged) and fact.state is LinkState.ACTIVE


class TestScopes:
    @pytest.mark.parametrize("scope", [None, "daily heartrate workout", "workout daily  heartrate"])
    def test_the_same_in_whatever_order_or_nothing_says_nothing(
        self, endpoint: Endpoint, clock: Clock, scope: str | None
    ) -> None:
        endpoint.scope = scope
        expired("ada", endpoint)
        assert run(refresher(endpoint), clock) == []

    def test_fewer_are_lost_scopes(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.scope = "daily workout"
        expired("ada", endpoint)
        (fact,) = run(refresher(endpoint), clock)
        assert isinstance(fact, ScopesChanged)
        assert (fact.user_id, set(fact.scopes or ()), fact.removed) == ("ada", {"daily", "workout"}, ())
        assert abs(fact.happened_at - timezone.now()) < timedelta(minutes=1)

    def test_a_first_report_is_a_report(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.scope = "daily"
        expired("ada", endpoint, scopes=None)
        (fact,) = run(refresher(endpoint), clock)
        assert isinstance(fact, ScopesChanged) and fact.scopes == ("daily",)


class TestTheEnd:
    @pytest.mark.parametrize("status", [400, 401, 403, 200])
    def test_invalid_grant_ends_it_whatever_the_status(self, endpoint: Endpoint, clock: Clock, status: int) -> None:
        endpoint.misbehave = lambda _account: refusal(status, "invalid_grant", "Token has been revoked.")
        row = expired("ada", endpoint)
        (fact,) = run(refresher(endpoint), clock)
        row.refresh_from_db()
        assert isinstance(fact, LinkChanged) and fact.state is LinkState.TOKEN_REJECTED
        assert "invalid_grant" in fact.detail and "refresh-1" not in fact.detail
        assert (row.access, row.refresh, row.key_id) == (None, None, "") and row.ended_at is not None
        assert run(refresher(endpoint), clock) == [] and endpoint.asked == ["ada"]

    def test_a_newer_token_that_was_stored_meanwhile_is_not_ended(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)

        def consent_meanwhile(_account: str) -> Reply:
            def store() -> None:
                answer = TokenAnswer("access-9", "refresh-9", expires_in=3600)
                kept = Token.GrantedIn.TOKEN_RESPONSE
                how = provider(endpoint)
                tokens.store(row.pk, answer, requested=(), granted_in=kept, oauth=how, now=timezone.now())
                connection.close()

            other = threading.Thread(target=store)
            other.start()
            other.join()
            return refusal(400, "invalid_grant")

        endpoint.misbehave = consent_meanwhile
        assert run(refresher(endpoint), clock) == []
        assert pair(row) == ("access-9", "refresh-9") and row.ended_at is None

    def test_of_one_that_is_broken_anyway_nothing_is_reported(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        revoked = LinkChanged(holding.PROVIDER, "ada", LinkState.REVOKED, timezone.now())
        cast.take_in(revoked, source=holding.source(), now=timezone.now())
        endpoint.end("ada")
        assert run(refresher(endpoint), clock) == []
        row.refresh_from_db()
        assert row.ended_at is not None


class TestOnDemand:
    def test_a_token_that_works_needs_no_request(self, endpoint: Endpoint, clock: Clock) -> None:
        row = held("ada", timezone.now(), provider(endpoint))
        assert refresher(endpoint).usable(row.pk, clock).access == "access-1-of-ada"
        assert endpoint.asked == []

    def test_one_that_has_ended_is_refreshed(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        found = refresher(endpoint).usable(row.pk, clock)
        assert (found.access, endpoint.asked) == (pair(row)[0], ["ada"])

    def test_one_that_was_rejected_is_refreshed_though_its_end_is_unknown(
        self, endpoint: Endpoint, clock: Clock
    ) -> None:
        endpoint.rotates = True
        how: dict[str, Any] = {"rotates": Rotates.YES}
        row = held("ada", timezone.now(), provider(endpoint, **how), expires_in=None)
        one = refresher(endpoint, **how)
        assert one.usable(row.pk, clock).access == "access-1-of-ada"
        assert one.usable(row.pk, clock, rejected="access-1-of-ada").refresh == "refresh-2-of-ada"

    def test_without_tokens_its_person_must_consent_again(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        tokens.end(row.pk, timezone.now())
        with pytest.raises(CredentialDead):
            refresher(endpoint).usable(row.pk, clock)

    def test_without_a_refresh_token_as_well(self, endpoint: Endpoint, clock: Clock) -> None:
        row = held("ada", timezone.now() - 2 * AN_HOUR, provider(endpoint), refresh=None)
        with pytest.raises(CredentialDead):
            refresher(endpoint).usable(row.pk, clock)

    def test_twenty_at_once_refresh_once(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        endpoint.seconds = 0.2
        row = expired("ada", endpoint, rotates=Rotates.YES)
        found: list[str] = []
        one = refresher(endpoint, rotates=Rotates.YES)
        at_once(*[lambda: found.append(one.usable(row.pk, clock).access)] * 20)
        assert endpoint.asked == ["ada"] and found == [pair(row)[0]] * 20
