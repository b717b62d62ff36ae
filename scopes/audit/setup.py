"""How we are set up at each source, kept as it last reported, and what of it disagrees with us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scopes.catalogue.entries import Provider as Entry
from scopes.models import Integration, Source, SourceSetup
from scopes.sources import registry
from scopes.sources.gateway import Gateway
from scopes.sources.setup import Setup


@dataclass(frozen=True, slots=True)
class Drift:
    """An integration whose policy requests other scopes than the source does: `missing` there, and `more` there."""

    integration: Integration
    provider: str
    resource: str
    at_source: tuple[str, ...]
    missing: tuple[str, ...]
    more: tuple[str, ...]

    def __str__(self) -> str:
        source = registry.title_of(self.integration.source)
        parts = [f"{source} does not ask for {', '.join(self.missing)}"] if self.missing else []
        parts += [f"{source} asks for {', '.join(self.more)} too"] if self.more else []
        return f"{self.integration} ({self.resource}): {'; '.join(parts)}"


def read_and_store(gateway: Gateway, now: datetime) -> Setup:
    """Read how we are set up at a source and keep it; what could not be read this time is kept as not reported."""
    setup = gateway.read_setup()
    source, _ = Source.objects.get_or_create(
        kind=gateway.kind.kind, name=gateway.name, defaults={"production": gateway.production}
    )
    SourceSetup.objects.update_or_create(source=source, defaults={"read_at": now, "content": setup.as_data()})
    return setup


def drifts(source: Source, setup: Setup) -> list[Drift]:
    """Where the custom scopes at the source and the policy in force disagree. Without custom scopes nobody knows."""
    if not setup.providers:
        return []
    rows = Integration.objects.filter(source=source, policy_version__isnull=False)
    integrations = {row.provider.slug: row for row in rows.select_related("provider", "source", "policy_version")}
    found = []
    for one in setup.providers:
        provider, resource, scopes = one["provider"], one["name"], one["scopes"]
        integration = integrations.get(provider)
        if not scopes or integration is None or not _is_written(integration):
            continue
        entry = Entry.from_data(integration.provider.entry)
        requested = {entry.canonical(scope) for scope in _content(integration)["requested"]}
        at_source = {entry.canonical(scope) for scope in scopes}
        if requested != at_source:
            missing, more = tuple(sorted(requested - at_source)), tuple(sorted(at_source - requested))
            found.append(Drift(integration, provider, resource, tuple(sorted(at_source)), missing, more))
    return found


def _content(integration: Integration) -> dict[str, Any]:
    assert integration.policy_version is not None
    content: dict[str, Any] = integration.policy_version.content
    return content


def _is_written(integration: Integration) -> bool:
    """Whether the policy has content: that of a new integration is empty."""
    content = _content(integration)
    return bool(content["requested"] or content["requirements"])


def as_data(now: datetime) -> dict[str, Any]:
    """What a run keeps of every setup: source -> {"production", "drift", "silence", "token", "failed", "errors"}.

    All but the first are lists of descriptions, empty if nothing is wrong.
    """
    kept = SourceSetup.objects.select_related("source").order_by("source__key")
    return {row.source.key: _of_one(row.source, Setup.from_data(row.content), now) for row in kept}


def _of_one(source: Source, setup: Setup, now: datetime) -> dict[str, Any]:
    ends = setup.expires_at
    token = [setup.errors["token"]] if "token" in setup.errors else []
    if ends is not None and setup.expires_soon(now):
        token.append(f"the token that reads it ends on {ends:%-d %b %Y}")
    failed = setup.failed or {"count": 0}
    more = "" if failed.get("complete", True) else " or more"
    words = f"{failed['count']}{more}, the last at {failed.get('latest_at') or 'an unknown time'}"
    return {
        "production": source.production,
        "drift": [str(drift) for drift in drifts(source, setup)],
        "silence": setup.causes,
        "token": token,
        "failed": [words] if failed["count"] else [],
        "errors": [f"{part}: {error}" for part, error in setup.errors.items() if part != "token"],
    }


def problems_by_source(setups: Mapping[str, Any], what: str) -> dict[str, list[str]]:
    """Source -> its descriptions under the key `what`. Environments that are not production count only if none is."""
    any_production = any(one["production"] for one in setups.values())
    return {key: one[what] for key, one in setups.items() if one[what] and (one["production"] or not any_production)}
