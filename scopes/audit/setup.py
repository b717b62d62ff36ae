"""Store how each environment is set up at Terra, and find where that disagrees with our policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scopes.catalogue.entries import Provider as Entry
from scopes.models import Integration, Source, TerraSetup
from scopes.sources.terra.admin_api import AdminApi
from scopes.sources.terra.setup import EXPIRES_SOON, Setup, causes_of_silence, expires_at, read_setup, resource_of


@dataclass(frozen=True, slots=True)
class Drift:
    """An integration whose policy requests other scopes than Terra asks for: `missing` at Terra, and `more` there."""

    integration: Integration
    provider: str
    resource: str
    at_terra: tuple[str, ...]
    missing: tuple[str, ...]
    more: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"Terra does not ask for {', '.join(self.missing)}"] if self.missing else []
        parts += [f"Terra asks for {', '.join(self.more)} too"] if self.more else []
        return f"{self.integration} ({self.resource}): {'; '.join(parts)}"


def read_and_store(api: AdminApi, now: datetime) -> Setup:
    """Read the set-up of an environment and store it; what could not be read is stored as unknown."""
    setup = read_setup(api)
    source = Source.objects.get_or_create(
        key=api.environment.source, defaults={"production": api.environment.production}
    )[0]
    TerraSetup.objects.update_or_create(source=source, defaults={"read_at": now, "content": setup.as_data()})
    return setup


def drifts(source: Source, setup: Setup) -> list[Drift]:
    """Where the custom scopes at Terra and the policy in force disagree. Without custom scopes nothing is known."""
    if not setup.sources:
        return []
    rows = Integration.objects.filter(source=source, policy_version__isnull=False)
    integrations = {row.provider.slug: row for row in rows.select_related("provider", "source", "policy_version")}
    found = []
    for slug, scopes in sorted(setup.sources.items()):
        provider, resource = resource_of(slug)
        integration = integrations.get(provider)
        if not scopes or integration is None or not _is_written(integration):
            continue
        entry = Entry.from_data(integration.provider.entry)
        requested = {entry.canonical(scope) for scope in _content(integration)["requested"]}
        at_terra = {entry.canonical(scope) for scope in scopes}
        if requested != at_terra:
            missing, more = tuple(sorted(requested - at_terra)), tuple(sorted(at_terra - requested))
            found.append(Drift(integration, provider, resource, tuple(sorted(at_terra)), missing, more))
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
    """Source -> {"production", "drift", "silence", "token", "failed", "errors"}, for the audit run.

    All but the first are lists of descriptions, empty if nothing is wrong.
    """
    kept = TerraSetup.objects.select_related("source").order_by("source__key")
    return {row.source.key: _of_one(row.source, Setup.from_data(row.content), now) for row in kept}


def _of_one(source: Source, setup: Setup, now: datetime) -> dict[str, Any]:
    ends = expires_at(setup)
    token = [setup.errors["token"]] if "token" in setup.errors else []
    if ends is not None and ends < now + EXPIRES_SOON:
        token.append(f"the token of the Admin API ends on {ends:%-d %b %Y}")
    failed = setup.failed or {"count": 0}
    more = "" if failed.get("complete", True) else " or more"
    words = f"{failed['count']}{more}, the last at {failed.get('latest_at') or 'a time that was not told'}"
    return {
        "production": source.production,
        "drift": [str(drift) for drift in drifts(source, setup)],
        "silence": causes_of_silence(setup),
        "token": token,
        "failed": [words] if failed["count"] else [],
        "errors": [f"{part}: {error}" for part, error in setup.errors.items() if part != "token"],
    }


def problems_by_source(setups: Mapping[str, Any], what: str) -> dict[str, list[str]]:
    """Source -> its descriptions under the key `what`. Environments that are not production count only if none is."""
    any_production = any(one["production"] for one in setups.values())
    return {key: one[what] for key, one in setups.items() if one[what] and (one["production"] or not any_production)}
