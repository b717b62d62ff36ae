"""Where people of a provider that ends can connect its successor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scopes.catalogue import default
from scopes.catalogue.entries import Provider as Entry
from scopes.judge.policy import ensure_integration
from scopes.models import Integration, Provider, Source
from scopes.sources import registry


@dataclass(frozen=True, slots=True)
class End:
    """A source through which the successor can be connected.

    `proves`: a consent there tells which account the person had at the old provider.
    """

    source: Source
    entry: Entry
    proves: bool


def last_successor(entry: Entry, now: datetime) -> Entry | None:
    """The provider to connect instead: the first of its successors whose service goes on; None without one."""
    providers = default().providers
    found = providers.get(entry.successor)
    while found is not None and has_ended(found, now) and found.successor in providers:
        found = providers[found.successor]
    return found


def has_ended(entry: Entry, now: datetime) -> bool:
    """Whether the provider has shut its service down."""
    return entry.retired_on is not None and entry.retired_on <= now.date()


def ends_of(provider: Provider, now: datetime, *, production: bool) -> list[End]:
    """Where the successor of `provider` can be connected.

    First come those that prove the account, then those through which the old one is connected.
    """
    entry = last_successor(Entry.from_data(provider.entry), now)
    if entry is None or has_ended(entry, now):
        return []
    able = registry.able("begins_consents")
    ends = [
        End(source, entry, _proves(source, entry, provider))
        for source in Source.objects.filter(production=production, kind__in=able).order_by("key")
        if registry.names_for(source.kind, source.name, entry)
    ]
    theirs = set(Integration.objects.filter(provider=provider).values_list("source", flat=True))
    return sorted(ends, key=lambda end: (not end.proves, end.source.pk not in theirs))


def integration_at(end: End, now: datetime) -> Integration:
    """The integration of that source with the successor, created if nobody has connected it there yet."""
    return ensure_integration(end.source, end.entry, now)


def _proves(source: Source, entry: Entry, provider: Provider) -> bool:
    earlier = dict(entry.oauth.account.earlier) if entry.oauth else {}
    return source.kind in registry.able("finishes_consents") and provider.slug in earlier
