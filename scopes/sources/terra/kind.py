"""Terra as a kind of source: its environments, and how its stored events are read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from mmap import mmap

from scopes.facts import AccountTrouble, Fact
from scopes.sources.errors import UnknownName
from scopes.sources.events import Event, ReadEvent
from scopes.sources.gateway import Abilities, Kind, Patience
from scopes.sources.terra import environments, events
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.gateway import TerraGateway
from scopes.sources.terra.large_event import read_large

PREFIX = "TERRA_"


class TerraKind(Kind):
    """Terra (tryterra.co)."""

    kind, title, prefix = "terra", "Terra", PREFIX
    abilities = Abilities(
        lists=True,
        pages_shift=True,
        looks_up=True,
        begins_consents=True,
        sends_events=True,
        changes_ids=True,
        revokes=True,
        checks_up=True,
    )
    actions: Mapping[AccountTrouble, str] = {
        AccountTrouble.USER_LIMIT: "Have the limit raised at Terra, or end connections that nobody uses",
        AccountTrouble.PAYMENT: "See to the account's payment in Terra's dashboard",
        AccountTrouble.CREDENTIAL: "Set its dev id and API key to those in Terra's dashboard",
        AccountTrouble.FORBIDDEN: "Compare its sources in Terra's dashboard with what the check says",
    }
    silence = (
        "Look at its destination in Terra’s dashboard: after 24 hours of failures Terra disables it, and it does not"
        " come back by itself."
    )

    def names(self) -> dict[str, bool]:
        return {name: environment.production for name, environment in _configured().items()}

    def gateway(self, name: str, patience: Patience) -> TerraGateway:
        found = _configured()
        if name not in found:
            listed = ", ".join(found) or "none"
            raise UnknownName(f"TERRA_ENVIRONMENTS does not name {name!r}; it names {listed}")
        return TerraGateway.of(self, found[name], patience)

    def troubles(self, variables: Mapping[str, str]) -> Iterator[str]:
        return environments.troubles(variables)

    def addresses(self, variables: Mapping[str, str]) -> Iterator[str]:
        ending = environments.ADDRESSES
        return (name for name in sorted(variables) if name.startswith(PREFIX) and name.endswith(ending))

    def request_more(self, provider: str, scope: str, name: str) -> str:
        return (
            f"In Terra's dashboard, environment {name}: in the connection settings of {provider}, enable the data"
            f' types that ask for {scope} ("Edit permissions").'
        )

    def read_event(self, name: str, body: bytes | mmap, now: datetime) -> ReadEvent:
        raw = json.loads(body) if isinstance(body, bytes) else read_large(body)
        return ReadEvent(events.event_type(raw), events.to_keep(raw, now))

    def knows_event(self, event_type: str) -> bool:
        return events.is_known(event_type)

    def ids_without_provider(self, body: Event) -> tuple[str, ...]:
        return events.ids_without_provider(body)

    def facts(self, body: Event, happened_at: datetime, provider: str = "") -> tuple[Fact, ...]:
        if provider:
            return events.read_event_at(provider, body, happened_at)
        return events.read_event(body, happened_at)


def _configured() -> dict[str, Environment]:
    """The environments of the process environment. Read for every webhook, so they are parsed once."""
    return _environments(tuple((name, value) for name, value in os.environ.items() if name.startswith(PREFIX)))


@lru_cache(maxsize=1)
def _environments(variables: tuple[tuple[str, str], ...]) -> dict[str, Environment]:
    return environments.environments(dict(variables))
