"""Any OAuth 2.0 API as a kind of source: our clients, before there is a database."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from mmap import mmap

from scopes.catalogue import Provider, provider_named
from scopes.facts import AccountTrouble, Fact
from scopes.sources.calls import Calls
from scopes.sources.errors import UnknownName
from scopes.sources.events import Event, ReadEvent
from scopes.sources.gateway import Abilities, Gateway, Kind, Patience, key_of
from scopes.sources.oauth2 import clients, vault
from scopes.sources.oauth2.clients import CLIENTS, ISSUER, Client
from scopes.sources.oauth2.endpoints import endpoints_of
from scopes.sources.oauth2.signals import events

PREFIX = "OAUTH2_"
PRODUCTION = (None, "", "production")


class OAuth2Kind(Kind):
    """Our registrations as a client: `oauth2:google`."""

    kind, title, prefix = "oauth2", "OAuth 2.0", PREFIX
    abilities = Abilities(
        lists=True,
        looks_up=True,
        begins_consents=True,
        finishes_consents=True,
        refreshes=True,
        sends_events=True,
        revokes=True,
        checks_up=True,
    )
    actions: Mapping[AccountTrouble, str] = {
        AccountTrouble.USER_LIMIT: "Have the limit raised at the provider, or end connections that nobody uses",
        AccountTrouble.PAYMENT: "See to the account’s payment at the provider",
        AccountTrouble.CREDENTIAL: "Set its client id and secret to those in the provider’s console",
        AccountTrouble.FORBIDDEN: "Compare its scopes and redirect address with those in the provider’s console",
    }
    silence = "Look at the events that the provider’s console sends to this portal, and at its log of failed ones."

    def names(self) -> dict[str, bool]:
        return {name: client.production for name, client in _configured().items()}

    def gateway(self, name: str, patience: Patience) -> Gateway:
        found = _configured()
        if name not in found:
            listed = ", ".join(found) or "none"
            raise UnknownName(f"{CLIENTS} does not name {name!r}; it names {listed}")
        # It keeps tokens, so it imports models, which are not there yet when the settings ask for troubles.
        from scopes.sources.oauth2.gateway import OAuth2Gateway  # noqa: PLC0415

        return OAuth2Gateway.of(self, found[name], patience)

    def troubles(self, variables: Mapping[str, str]) -> Iterator[str]:
        yield from clients.troubles(variables)
        needed = bool(variables.get(CLIENTS, "").strip())
        yield from vault.troubles(variables, needed=needed)
        if needed and not variables.get("PORTAL_URL", "").strip() and variables.get("PORTAL_MODE") in PRODUCTION:
            yield f"PORTAL_URL is missing, and the redirect URIs of {CLIENTS} are made with it."

    def addresses(self, variables: Mapping[str, str]) -> Iterator[str]:
        return (name for name in sorted(variables) if name.startswith(PREFIX) and name.endswith(f"_{ISSUER}"))

    def title_of(self, name: str) -> str:
        client = _configured().get(name)
        return provider_named(client.provider).name if client else self.title

    def names_of(self, name: str, provider: Provider) -> tuple[str, ...]:
        client = _configured().get(name)
        return (provider.slug,) if client and client.provider == provider.slug else ()

    def request_more(self, provider: str, scope: str, name: str) -> str:
        return (
            f"In the console of {provider}, allow {scope} for the client of {self.kind}:{name}; what is requested is"
            " what the policy says, so publish a version that requests it."
        )

    def read_event(self, name: str, body: bytes | mmap, now: datetime) -> ReadEvent:
        client = _configured()[name]
        calls = Calls(source=key_of(self.kind, name))
        return events.read(endpoints_of(client, calls), client, body)

    def facts(self, body: Event, happened_at: datetime, provider: str = "") -> tuple[Fact, ...]:
        return events.facts(body, happened_at)


def _configured() -> dict[str, Client]:
    """The clients of the process environment, parsed once."""
    return _clients(tuple((name, value) for name, value in os.environ.items() if name.startswith(PREFIX)))


@lru_cache(maxsize=1)
def _clients(variables: tuple[tuple[str, str], ...]) -> dict[str, Client]:
    return clients.clients(dict(variables))
