"""An audit run as a report about some providers only."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from scopes.audit.compare import SEPARATOR
from scopes.audit.report import as_json, health_findings
from scopes.models import AuditRun


def to_providers(run: AuditRun, providers: Collection[str]) -> AuditRun:
    """The run with the numbers of these providers (slugs) alone, not to be saved.

    What is not counted by provider (listings, people, jobs) stays as it is.
    """
    found = copy.copy(run)
    if run.counts:
        sources = {key: _source(one, providers) for key, one in run.counts["sources"].items()}
        kept = {key: one for key, one in sources.items() if one["integrations"]}
        found.counts = {**run.counts, "sources": kept}
        found.changes = _changes(run.changes, providers)
        healths = health_findings(found.counts, found.changes)
        codes = {finding.code for finding in healths}
        others = [one for one in run.findings if one["code"] not in codes]
        found.findings = [as_json(finding) for finding in healths if finding.number] + others
    return found


def _source(source: Mapping[str, Any], providers: Collection[str]) -> dict[str, Any]:
    integrations = {slug: one for slug, one in source["integrations"].items() if slug in providers}
    health: Counter[str] = Counter()
    for one in integrations.values():
        health.update(one["health"])
    numbers = {name: sum(one.get(name, 0) for one in integrations.values()) for name in ("connections", "waived")}
    return {**source, **numbers, "health": dict(health), "integrations": integrations}


def _changes(changes: Mapping[str, int], providers: Collection[str]) -> dict[str, int]:
    """Those of the providers' own numbers, and the sums of their healths for each source."""
    kept: dict[str, int] = {}
    sums: Counter[str] = Counter()
    for path, change in changes.items():
        match path.split(SEPARATOR):
            case ["sources", source, "integrations", slug, about, *rest] if slug in providers:
                kept[path] = change
                if about == "health":
                    sums[SEPARATOR.join(("sources", source, about, *rest))] += change
    return dict(sorted({**{path: change for path, change in sums.items() if change}, **kept}.items()))
