"""What tests of the refresh engine share: a provider's token endpoint, a clock, and connections that are due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from scopes.catalogue import provider_named
from scopes.catalogue.oauth import OAuth
from scopes.facts import Fact
from scopes.models import Token
from scopes.sources.calls import Calls, Limits
from scopes.sources.oauth2 import vault
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.refresh import Refresher
from scopes.sources.oauth2.server import Server
from tests.sources.oauth2 import holding
from tests.sources.oauth2.holding import SCOPES, held
from tests.sources.oauth2.token_endpoint import Endpoint, serving

AN_HOUR = timedelta(hours=1)
ALWAYS = lambda: True  # noqa: E731 - has_time
SHORT = Limits(connect=2.0, read=0.5, total=2.0)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(Endpoint()) as found:
        yield found


class Clock:
    """Now, and whatever is added to it."""

    def __init__(self) -> None:
        self.later = timedelta()

    def __call__(self) -> datetime:
        return timezone.now() + self.later


@pytest.fixture
def clock() -> Clock:
    return Clock()


def provider(endpoint: Endpoint, **how: Any) -> OAuth:
    return holding.oauth(endpoint.url, **how)


def refresher(endpoint: Endpoint, *, limits: Limits = SHORT, **how: Any) -> Refresher:
    client = Client(name="acme", client_id="us", client_secret="a-client-secret", provider=holding.PROVIDER)
    return Refresher(
        "oauth2", "acme", provider_named(holding.PROVIDER), Server(provider(endpoint, **how), client, Calls(limits))
    )


def run(one: Refresher, clock: Callable[[], datetime]) -> list[Fact]:
    return [fact for facts in one.due(clock, ALWAYS) for fact in facts]


def expired(user_id: str, endpoint: Endpoint, scopes: tuple[str, ...] | None = SCOPES, **how: Any) -> Token:
    """A connection whose access token has ended."""
    return held(user_id, timezone.now() - 2 * AN_HOUR, provider(endpoint, **how), scopes=scopes)


def pair(row: Token) -> tuple[str, str]:
    row.refresh_from_db()
    assert row.access is not None and row.refresh is not None
    return vault.open_(row.pk, "access", row.access), vault.open_(row.pk, "refresh", row.refresh)


def as_before(row: Token) -> bool:
    """Both tokens are those of the consent, and nobody holds a lease."""
    return pair(row) == (f"access-1-of-{row.connection.user_id}", f"refresh-1-of-{row.connection.user_id}") and (
        row.refreshing_since is None
    )
