"""The audit's findings and its report, as text for a terminal or a mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scopes.audit import setup
from scopes.audit.compare import SEPARATOR
from scopes.audit.silence import silent
from scopes.counted import counted
from scopes.models import AuditRun
from scopes.reasons import REASONS, Health

# With more standings per million connections, something creates a standing for each person.
STANDINGS_PER_MILLION = 50_000
SMALL = 100_000
CODES = {
    "blocked": "connections are blocked",
    "broken": "connections are broken",
    "newly_blocked": "more connections are blocked than in the run before",
    "newly_broken": "more connections are broken than in the run before",
    "unconfirmed": "connections are not in the last listing",
    "quarantined": "connections broke in one listing and are quarantined",
    "unreadable": "rows of a listing could not be read",
    "unknown_scope": "scopes are not in the catalogue",
    "suspicion": "requested scopes were granted by no one who consented recently",
    "previously_erased": "people or connections were reported again after an erasure",
    "silent": "sources sent no webhook for longer than usual",
    "failed_jobs": "jobs failed",
    "given_up_deliveries": "deliveries failed and are not retried any more",
    "listing_failed": "sources could not be listed",
    "account_refused": "sources refuse our account (limit, payment or credentials)",
    "no_refresh_token": "connections have no refresh token, so they end with their access token",
    "uncertain_tokens": "connections have a refresh token that may have been used up",
    "failing_tokens": "connections’ tokens could not be refreshed for more than a day",
    "scope_drift": "integrations request other scopes at their source than the policy",
    "destination": "sources have a webhook destination that doesn’t work",
    "failed_deliveries": "sources report failed deliveries",
    "admin_token": "tokens for reading our setup are refused or expire within a week",
    "inconsistent": "records contradict each other",
    "many_standings": "standings per million connections: too many",
}
# The singular. The codes that are left out always have a number above one.
OF_ONE = {
    "blocked": "connection is blocked",
    "broken": "connection is broken",
    "newly_blocked": "more connection is blocked than in the run before",
    "newly_broken": "more connection is broken than in the run before",
    "unconfirmed": "connection is not in the last listing",
    "unreadable": "row of a listing could not be read",
    "unknown_scope": "scope is not in the catalogue",
    "suspicion": "requested scope was granted by no one who consented recently",
    "previously_erased": "person or connection was reported again after an erasure",
    "silent": "source sent no webhook for longer than usual",
    "failed_jobs": "job failed",
    "given_up_deliveries": "delivery failed and is not retried any more",
    "listing_failed": "source could not be listed",
    "account_refused": "source refuses our account (limit, payment or credentials)",
    "no_refresh_token": "connection has no refresh token, so it ends with its access token",
    "uncertain_tokens": "connection has a refresh token that may have been used up",
    "failing_tokens": "connection’s tokens could not be refreshed for more than a day",
    "scope_drift": "integration requests other scopes at its source than the policy",
    "destination": "source has a webhook destination that doesn’t work",
    "failed_deliveries": "source reports failed deliveries",
    "admin_token": "token for reading our setup is refused or expires within a week",
    "inconsistent": "record contradicts another",
}


SETUP_FINDINGS = {
    "scope_drift": "drift",
    "destination": "silence",
    "failed_deliveries": "failed",
    "admin_token": "token",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that somebody may want to act on. `code` is a key of CODES, and what `--fail-on` takes."""

    code: str
    number: int
    detail: str = ""

    @property
    def words(self) -> str:
        """What was found so many times; a code of another version stands for itself."""
        many = CODES.get(self.code, self.code)
        return OF_ONE.get(self.code, many) if self.number == 1 else many

    def __str__(self) -> str:
        return f"{self.code}: {self.number:,} {self.words}" + (f" ({self.detail})" if self.detail else "")


def findings(
    counts: Mapping[str, Any], changes: Mapping[str, int], inconsistent: Mapping[str, int], listings: Mapping[str, Any]
) -> list[Finding]:
    """The findings of a run, in the order of CODES. Environments that are not production count only if none is."""
    found = health_findings(counts, changes)
    quiet = silent(counts.get("webhooks", {}))
    refused = counts.get("refused_accounts", {})
    failed = {key: listing["error"] for key, listing in listings.items() if listing.get("error")}
    found += [
        Finding("unconfirmed", sum(listing.get("unconfirmed", 0) for listing in listings.values())),
        Finding("quarantined", sum(listing.get("quarantined", 0) for listing in listings.values())),
        Finding("unreadable", sum(listing.get("unreadable", 0) for listing in listings.values())),
        Finding("unknown_scope", sum(counts["unknown_scopes"].values()), ", ".join(counts["unknown_scopes"])),
        Finding("suspicion", len(counts["suspicions"]), ", ".join(counts["suspicions"])),
        Finding("previously_erased", counts["previously_erased"]),
        Finding("silent", len(quiet), "; ".join(f"{key}: {words}" for key, words in quiet.items())),
        Finding("failed_jobs", counts["failed_jobs"]),
        Finding("given_up_deliveries", counts.get("given_up_deliveries", 0)),
        Finding("listing_failed", len(failed), "; ".join(f"{key}: {error}" for key, error in failed.items())),
        Finding("account_refused", len(refused), "; ".join(f"{key}: {trouble}" for key, trouble in refused.items())),
        *_of_tokens(counts.get("tokens", {})),
        *_of_setups(counts.get("setups", {})),
        Finding(
            "inconsistent",
            sum(inconsistent.values()),
            "; ".join(f"{what}: {number}" for what, number in inconsistent.items() if number),
        ),
    ]
    if counts["connections"] >= SMALL and counts["standings_per_million"] > STANDINGS_PER_MILLION:
        found.append(Finding("many_standings", counts["standings"]))
    return [finding for finding in found if finding.number]


def health_findings(counts: Mapping[str, Any], changes: Mapping[str, int]) -> list[Finding]:
    """What is blocked and broken, and what of it is new; a number may be 0."""
    health: dict[str, int] = {}
    newly: dict[str, int] = {}
    for key, source in counted_sources(counts).items():
        for name, number in source["health"].items():
            health[name] = health.get(name, 0) + number
        for name in (Health.BLOCKED, Health.BROKEN):
            newly[name] = newly.get(name, 0) + changes.get(f"sources / {key} / health / {name}", 0)
    return [
        Finding("blocked", health.get(Health.BLOCKED, 0)),
        Finding("broken", health.get(Health.BROKEN, 0)),
        Finding("newly_blocked", max(newly.get(Health.BLOCKED, 0), 0)),
        Finding("newly_broken", max(newly.get(Health.BROKEN, 0), 0)),
    ]


def _of_tokens(tokens: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    """What is wrong with the tokens that we hold, see `held_tokens`."""
    for code in ("no_refresh_token", "uncertain_tokens", "failing_tokens"):
        of_source = {key: numbers[code] for key, numbers in tokens.items() if code in numbers}
        yield Finding(code, sum(of_source.values()), ", ".join(of_source))


def _of_setups(setups: Mapping[str, Any]) -> Iterator[Finding]:
    """What the sources reported of our setup there."""
    for code, what in SETUP_FINDINGS.items():
        problems = setup.problems_by_source(setups, what)
        number = sum(map(len, problems.values())) if code == "scope_drift" else len(problems)
        yield Finding(code, number, "; ".join(f"{key}: {'; '.join(words)}" for key, words in problems.items()))


def as_data(run: AuditRun) -> dict[str, Any]:
    """The run as JSON."""
    return {
        "run": run.pk,
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "offline": run.offline,
        "resumed": run.resumed,
        "counts": run.counts,
        "changes": run.changes,
        "findings": run.findings,
        "error": run.error,
        "exit_code": run.exit_code,
        "steps": [{"step": one["step"], "seconds": one["seconds"]} for one in run.steps],
    }


def as_json(finding: Finding) -> dict[str, Any]:
    """A finding as it is stored with its run."""
    return {**asdict(finding), "text": str(finding)}


def as_text(run: AuditRun) -> str:
    """The run as lines to read."""
    return "\n".join(_lines(run))


def _lines(run: AuditRun) -> Iterator[str]:
    counts = run.counts
    seconds = f", {(run.finished_at - run.started_at).total_seconds():.1f} s" if run.finished_at else ""
    yield f"Audit {run.pk} of {run.started_at:%Y-%m-%d %H:%M} UTC: {run.get_state_display().lower()}{seconds}"
    if run.error:
        yield f"  {run.error}"
    if not counts:
        return
    rate = f" ({counts['standings_per_million']:,} a million)" if counts["connections"] >= SMALL else ""
    connections, people = counted(counts["connections"], "connection"), counted(counts["people"], "person", "people")
    yield (
        f"  {connections} of {people}, {counts['unclaimed']:,} unclaimed,"
        f" in {counted(counts['standings'], 'standing')}{rate}"
    )
    if stand := counts.get("waivers"):
        yield f"  {stand:,} active waiver{'s' if stand > 1 else ''}"
    yield from _sources_listed(counts)
    for key, source in counts["sources"].items():
        yield ""
        yield f"{key}{'' if source['production'] else ' (not production)'}"
        yield f"  {'':<20}" + "".join(f"{health.value:>10}" for health in Health)
        rows = {"all": source, **source["integrations"]}
        for name, row in rows.items():
            yield f"  {name:<20}" + "".join(f"{row['health'].get(health.value, 0):>10,}" for health in Health)
        yield from _waived(source)
        yield from _reasons(source["integrations"])
    yield ""
    changed = {
        path: change for path, change in run.changes.items() if path.startswith("sources") and "/ health /" in path
    }
    if changed:
        yield "Since the run before"
        for path, change in changed.items():
            _, source, *middle, health = (
                part for part in path.split(SEPARATOR) if part not in ("health", "integrations")
            )
            yield f"  {source} {' '.join(middle) or 'all'}: {health} {change:+,}"
        yield ""
    yield "Findings" if run.findings else "Nothing was found."
    for finding in run.findings:
        yield f"  {finding['text']}"


def _sources_listed(counts: Mapping[str, Any]) -> Iterator[str]:
    """Each environment's listing result and last webhook; runs of earlier versions did not record them."""
    for key, listing in counts.get("listings", {}).items():
        yield f"  {key}: {_listing(listing)}"
    for key, webhooks in counts.get("webhooks", {}).items():
        last = webhooks["last_at"]
        yield f"  {key}: " + (f"last webhook {last[:16].replace('T', ' ')} UTC" if last else "no webhook yet")


def _listing(listing: Mapping[str, Any]) -> str:
    if listing.get("error"):
        return f"not listed: {listing['error']}"
    return (
        f"{listing['users']:,} listed on {counted(listing['pages'], 'page')}: {listing['new']:,} new,"
        f" {listing['changed']:,} changed, {listing['unchanged']:,} unchanged, {listing['unreadable']:,} unreadable,"
        f" {listing['unconfirmed']:,} unconfirmed, {listing['gone']:,} gone"
    )


def _waived(source: Mapping[str, Any]) -> Iterator[str]:
    """Connections that lack only what was waived; runs of earlier versions did not count them."""
    if number := source.get("waived"):
        yield f"  {number:,} of the reduced lack{'s' if number == 1 else ''} only waived scopes"


def _reasons(integrations: Mapping[str, Any]) -> Iterator[str]:
    for name, row in integrations.items():
        missing = sorted(row["missing"].items(), key=lambda pair: (-pair[1], pair[0]))
        for entry, number in missing:
            scope, reason = entry.rsplit("=", 1)
            yield f"    {name}: {number:,} × {scope} — {REASONS[reason].title.lower()} ({reason})"
        for reason, number in sorted(row["link"].items(), key=lambda pair: (-pair[1], pair[0])):
            yield f"    {name}: {number:,} × {REASONS[reason].title.lower()} ({reason})"


def counted_sources(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The sources that findings are about, with their counts: production, or all where none is production."""
    sources: dict[str, Any] = counts["sources"]
    return {key: one for key, one in sources.items() if one["production"]} or sources
