"""Makes the sandbox that the options of the command ask for, with the keys that the environment has for the portal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scopes.catalogue import default
from scopes.sandbox.oauth.server import OAuthSandbox
from scopes.sandbox.population import Population, connections_before
from scopes.sandbox.server import NotReady, Sandbox

IN_MEMORY = ":memory:"


def population_of(options: Mapping[str, Any]) -> Population:
    """The people and connections of a Terra of that size and seed."""
    count = options["connections"]
    count = connections_before(options["people"]) if count is None else count
    return Population(options["seed"], count, datetime.now(UTC).date(), default())


def start(options: Mapping[str, Any], environment: Mapping[str, str]) -> Sandbox | OAuthSandbox:
    """The running sandbox: a Terra, or the OAuth provider that `oauth` names. Raises NotReady."""
    store, port = options["store"] or IN_MEMORY, options["port"]
    if slug := options["oauth"]:
        client = {key: environment.get(f"OAUTH2_{slug.upper()}_CLIENT_{key.upper()}") for key in ("id", "secret")}
        provider = default().providers.get(slug)
        if provider is None:
            raise NotReady(f"The catalogue has no provider {slug!r}.")
        return OAuthSandbox.of(provider, store, client, tuple(options["redirect_uri"]), port)
    keys = {name: environment.get(f"TERRA_SANDBOX_{name.upper()}") for name in ("dev_id", "api_key", "admin_token")}
    secrets = environment.get("TERRA_SANDBOX_SIGNING_SECRETS", "").split(",")
    keys["signing_secret"] = options["signing_secret"] or secrets[0]
    return Sandbox(population_of(options), store, keys, port, options["webhook_url"], options["mails"])
