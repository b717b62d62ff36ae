"""What an audit counted, and what changed since the one before, as rows to read. Pure: from what the run has kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from scopes.audit.compare import SEPARATOR
from scopes.reasons import HEALTHS

# What the numbers of one integration are about, as `audit.count` names them.
BY_REASON = ("health", "missing", "link")
LISTED = ("users", "new", "changed", "unreadable", "unconfirmed", "gone")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of `words`, and how it differs from that of the run before."""

    words: str
    now: int
    change: int


@dataclass(frozen=True, slots=True)
class Change:
    """A number of one provider that changed. `about` is one of BY_REASON, and `code` what it counts."""

    source: str
    provider: str
    about: str
    code: str
    now: int
    change: int


@dataclass(frozen=True, slots=True)
class Row:
    """One provider's connections by health, in the order of HEALTHS."""

    provider: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class OfSource:
    """What was counted at one source. `reasons` are (provider, about, code, number), the largest number first."""

    key: str
    production: bool
    waived: int
    rows: tuple[Row, ...]
    reasons: tuple[tuple[str, str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """What came of listing one source: the `numbers` of LISTED, none if it was not listed, or the `error`.

    `last_webhook` is None if no webhook came yet, or none `is_expected`.
    """

    key: str
    numbers: tuple[int, ...]
    error: str
    is_expected: bool
    last_webhook: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """An audit as it is read."""

    totals: tuple[Number, ...]
    changes: tuple[Change, ...]
    sources: tuple[OfSource, ...]
    listed: tuple[Listed, ...]


def report_of(counts: Mapping[str, Any], changes: Mapping[str, int]) -> Report:
    """The report of a run by its counts and changes. What it did not count is left out."""
    return Report(
        totals=tuple(_totals(counts, changes)),
        changes=tuple(sorted(_changes(counts, changes), key=lambda one: (-abs(one.change), one.source, one.provider))),
        sources=tuple(_of_source(key, source, changes) for key, source in counts.get("sources", {}).items()),
        listed=tuple(_listed(counts)),
    )


def _totals(counts: Mapping[str, Any], changes: Mapping[str, int]) -> Iterator[Number]:
    words = {
        "connections": gettext("Connections"),
        "people": gettext("People"),
        "unclaimed": gettext("Unclaimed connections"),
        "waivers": gettext("Active waivers"),
        "standings": gettext("Different standings"),
        "previously_erased": gettext("Reported again after an erasure"),
        "failed_jobs": gettext("Failed jobs"),
        "given_up_deliveries": gettext("Deliveries that are not retried any more"),
    }
    for key, word in words.items():
        if key in counts:
            yield Number(word, counts[key], changes.get(key, 0))


def _changes(counts: Mapping[str, Any], changes: Mapping[str, int]) -> Iterator[Change]:
    sources = counts.get("sources", {})
    for path, change in changes.items():
        match path.split(SEPARATOR):
            case ["sources", source, "integrations", provider, about, code] if about in BY_REASON:
                row = sources.get(source, {}).get("integrations", {}).get(provider, {})
                yield Change(source, provider, about, code, row.get(about, {}).get(code, 0), change)


def _of_source(key: str, source: Mapping[str, Any], changes: Mapping[str, int]) -> OfSource:
    integrations = source.get("integrations", {})
    own = SEPARATOR.join(("sources", key))
    rows = [_row("", source, changes, own)]
    rows += [
        _row(name, row, changes, SEPARATOR.join((own, "integrations", name))) for name, row in integrations.items()
    ]
    reasons = [
        (name, about, code, number)
        for name, row in integrations.items()
        for about in BY_REASON[1:]
        for code, number in row.get(about, {}).items()
    ]
    return OfSource(
        key=key,
        production=source["production"],
        waived=source.get("waived", 0),
        rows=tuple(rows),
        reasons=tuple(sorted(reasons, key=lambda one: (-one[3], one[0], one[2]))),
    )


def _row(provider: str, counted: Mapping[str, Any], changes: Mapping[str, int], path: str) -> Row:
    return Row(
        provider,
        tuple(
            Number(
                health.value,
                counted["health"].get(health.value, 0),
                changes.get(SEPARATOR.join((path, "health", health.value)), 0),
            )
            for health in HEALTHS
        ),
    )


def _listed(counts: Mapping[str, Any]) -> Iterator[Listed]:
    listings, webhooks = counts.get("listings", {}), counts.get("webhooks", {})
    for key in sorted({*listings, *webhooks}):
        last = webhooks.get(key, {}).get("last_at")
        listing = listings.get(key, {})
        error = listing.get("error", "")
        numbers = tuple(listing.get(name, 0) for name in LISTED) if listing and not error else ()
        yield Listed(key, numbers, error, key in webhooks, datetime.fromisoformat(last) if last else None)
