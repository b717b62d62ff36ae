"""A sandbox to list from, and our client of it, for the tests of the nightly audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import requests

from scopes.catalogue import default
from scopes.sandbox.population import Population
from scopes.sandbox.server import Sandbox
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.exchange import TerraLimits
from scopes.sources.terra.gateway import TerraGateway
from scopes.sources.terra.kind import TerraKind

TODAY = date(2026, 11, 22)
KEYS = {"dev_id": "a-dev-id", "api_key": "a-key", "signing_secret": "a-signing-secret"}


def gateway_of(client: Terra) -> TerraGateway:
    """The client behind the protocol of every source."""
    return TerraGateway(TerraKind(), client)


class Listed:
    """A running sandbox of some people, and the client of the environment that it plays."""

    def __init__(self, people: int, name: str = "sandbox", *, probe: bool = False) -> None:
        self.population = Population.of_people(1, people, TODAY, default())
        self.sandbox = Sandbox(self.population, ":memory:", KEYS, 0, "")
        environment = Environment(
            name,
            KEYS["dev_id"],
            KEYS["api_key"],
            base_url=f"{self.sandbox.url}/api/v2",
            requests_per_second=0,
            probe_athlete=probe,
        )
        self.client = Terra(environment, TerraLimits(), pause=lambda seconds: None)

    @property
    def gateway(self) -> TerraGateway:
        """The client behind the protocol of every source."""
        return gateway_of(self.client)

    def control(self, method: str, path: str, json: object = None) -> Any:
        headers = {"x-sandbox-token": self.sandbox.control_token}
        answer = requests.request(method, f"{self.sandbox.url}/_sandbox/{path}", json=json, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def add_fault(self, **fault: object) -> None:
        self.control("POST", "faults", fault)

    def happens(self, user_id: str, act: str, **sent: object) -> None:
        """Changes a user at Terra, through the sandbox's control API."""
        self.control("POST", f"users/{user_id}/{act}", sent)

    def forget(self, user_id: str) -> None:
        """The user is deleted at Terra, as by its API; no webhook reports it."""
        assert self.client.deauthenticate(user_id)


@contextmanager
def listed(people: int, name: str = "sandbox", *, probe: bool = False) -> Iterator[Listed]:
    """A sandbox of that many people, ended with the block; `probe`: its athletes may be queried."""
    found = Listed(people, name, probe=probe)
    try:
        yield found
    finally:
        found.sandbox.close()


Listing = Callable[[int], Listed]
