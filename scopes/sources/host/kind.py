"""The host application as a kind of source: it reports by the API, so there is little to ask of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache

from scopes.catalogue.entries import Provider
from scopes.facts import AccountTrouble
from scopes.sources.errors import UnknownName
from scopes.sources.gateway import Abilities, Kind, Patience
from scopes.sources.host import environment
from scopes.sources.host.environment import LINK_URL, PREFIX, SOURCES, Host
from scopes.sources.host.gateway import HostGateway


class HostKind(Kind):
    """A host application that keeps its own tokens: `host:app`."""

    kind, title, prefix = "host", "Host application", PREFIX
    abilities = Abilities(begins_consents=True, checks_up=True)
    actions: Mapping[AccountTrouble, str] = dict.fromkeys(
        AccountTrouble, "Look at what your application answers its own people"
    )
    reports = "Your application reports its connections by the API."
    silence = "Look at the calls that your application makes to the API, and at its log of failed ones."

    def names(self) -> dict[str, bool]:
        return {name: host.production for name, host in _configured().items()}

    def gateway(self, name: str, patience: Patience) -> HostGateway:
        found = _configured()
        if name not in found:
            listed = ", ".join(found) or "none"
            raise UnknownName(f"{SOURCES} does not name {name!r}; it names {listed}")
        return HostGateway(self, found[name])

    def troubles(self, variables: Mapping[str, str]) -> Iterator[str]:
        return environment.troubles(variables)

    def addresses(self, variables: Mapping[str, str]) -> Iterator[str]:
        return (name for name in sorted(variables) if name.startswith(PREFIX) and name.endswith(f"_{LINK_URL}"))

    def names_of(self, name: str, provider: Provider) -> tuple[str, ...]:
        """Every provider that the application reports is its own; none where it has no consent page."""
        host = _configured().get(name)
        return (provider.slug,) if host and host.link_url else ()

    def request_more(self, provider: str, scope: str, name: str) -> str:
        return f"In the host application, add {scope} to what is requested from {provider}."


def _configured() -> dict[str, Host]:
    """The applications of the process environment, parsed once."""
    return _hosts(tuple((name, value) for name, value in os.environ.items() if name.startswith(PREFIX)))


@lru_cache(maxsize=1)
def _hosts(variables: tuple[tuple[str, str], ...]) -> dict[str, Host]:
    return environment.hosts(dict(variables))
