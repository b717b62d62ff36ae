"""What refreshing brings is recorded; that our client is refused is noted, and changes nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from scopes import jobs
from scopes.facts import AccountTrouble
from scopes.models import Connection, Period, Source, Token
from scopes.sources import registry
from scopes.sync import rate_limit, refreshes
from tests.sources.oauth2.holding import SCOPES, held, oauth, source
from tests.sources.oauth2.keys import OLD, VARIABLE
from tests.sources.oauth2.token_endpoint import Endpoint, refusal, serving

pytestmark = pytest.mark.django_db(transaction=True)

CLIENT = {
    VARIABLE: OLD,
    "OAUTH2_CLIENTS": "acme",
    "OAUTH2_ACME_CLIENT_ID": "us",
    "OAUTH2_ACME_CLIENT_SECRET": "a-client-secret",
    "OAUTH2_ACME_PROVIDER": "oura",
    "OAUTH2_ACME_REQUESTS_PER_SECOND": "0",
}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """The client `acme`, whose provider's token endpoint is ours."""
    for name, value in CLIENT.items():
        monkeypatch.setenv(name, value)
    with serving(Endpoint()) as found:
        monkeypatch.setattr("scopes.sources.oauth2.gateway.endpoints_of", lambda *_: oauth(found.url))
        yield found


def expired(name: str, endpoint: Endpoint) -> Token:
    return held(name, timezone.now() - timedelta(hours=2), oauth(endpoint.url))


def refresh(clock: Callable[[], datetime] = timezone.now) -> None:
    found = source()
    refreshes.refresh_due(found, rate_limit.gateway_of(found), clock, lambda: True)


def standing(name: str) -> tuple[str, set[str], list[str]]:
    row = Connection.objects.select_related("standing").get(user_id=name).standing
    return row.link, set(row.reported or ()), row.earlier


def test_nothing_is_written_of_a_connection_that_did_not_change(endpoint: Endpoint) -> None:
    endpoint.scope = "workout heartrate daily"
    row = expired("ada", endpoint)
    before = Connection.objects.values().get()
    refresh()
    row.refresh_from_db()
    assert row.refreshed_at is not None and Connection.objects.values().get() == before
    assert Period.objects.count() == 1


def test_lost_scopes_are_lost_with_a_date(endpoint: Endpoint) -> None:
    endpoint.scope = "daily workout"
    expired("ada", endpoint)
    refresh()
    assert standing("ada") == ("active", {"daily", "workout"}, ["heartrate"])
    period = Period.objects.get(until__isnull=True)
    assert period.origin == "refresh" and abs(period.happened_at - timezone.now()) < timedelta(minutes=1)


def test_a_rejected_token_breaks_the_link(endpoint: Endpoint) -> None:
    expired("ada", endpoint)
    endpoint.end("ada")
    refresh()
    assert standing("ada")[0] == "token_rejected"


def test_a_refused_client_is_noted_until_it_is_accepted(endpoint: Endpoint) -> None:
    expired("ada", endpoint)
    endpoint.misbehave = lambda _account: refusal(401, "invalid_client")
    refresh()
    noted = Source.objects.get(kind="oauth2")
    assert noted.trouble == AccountTrouble.CREDENTIAL and "a-client-secret" not in noted.trouble_detail
    assert standing("ada") == ("active", set(SCOPES), [])
    endpoint.misbehave = lambda _account: None
    refresh()
    assert Source.objects.get(kind="oauth2").trouble == ""


def test_one_that_does_not_answer_stays_as_it_is(endpoint: Endpoint) -> None:
    expired("ada", endpoint)
    endpoint.misbehave = lambda _account: (503, {}, b"")
    refresh()
    assert standing("ada") == ("active", set(SCOPES), []) and Source.objects.get(kind="oauth2").trouble == ""


def test_only_sources_with_something_due_are_refreshed(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    expired("ada", endpoint)
    assert [found.key for found in refreshes.sources_with_due(timezone.now())] == ["oauth2:acme"]
    jobs.refresh_source(source().pk)
    assert refreshes.sources_with_due(timezone.now()) == []
    monkeypatch.setenv("OAUTH2_CLIENTS", "")
    expired("ben", endpoint)
    assert refreshes.sources_with_due(timezone.now()) == [], "one that is not set up any more"
    assert "oauth2" in registry.able("refreshes")
