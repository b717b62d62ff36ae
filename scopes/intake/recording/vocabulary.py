"""Which scope strings standings store by name: those of the catalogue, and up to 200 others for each provider.

Any further string is stored on the period and only sets one flag in the standing. Otherwise a source could create a
standing for every person.
"""

from __future__ import annotations

from datetime import datetime

from scopes.catalogue.entries import Provider as Entry
from scopes.intake.recording.row import ReadScopes
from scopes.models import Provider, UnknownScope
from scopes.models.transactions import in_transaction

MOST_UNKNOWN = 200


class Vocabulary:
    """The known scope strings of the providers in one batch. `new` are the (provider, string) not seen before."""

    def __init__(self, entries: dict[int, Entry], now: datetime) -> None:
        """`entries` maps each provider's id to its catalogue entry."""
        self.now = now
        self.entries = entries
        self.known = {pk: set(entry.names) for pk, entry in entries.items()}
        self.full: set[int] = set()
        self.new: list[tuple[int, str]] = []
        self.reads: dict[tuple[int, tuple[str, ...]], ReadScopes] = {}
        for pk, name in UnknownScope.objects.filter(provider__in=entries).values_list("provider_id", "name"):
            self.known[pk].add(name)

    def read(self, provider: int, scopes: tuple[str, ...] | None) -> ReadScopes:
        """`scopes` divided into those that are stored by name and the others; None stays "not reported".

        What the provider's rules on prefixes and capitals make of a string is stored, not the string: of those there is
        no end.
        """
        if scopes is None:
            return ReadScopes()
        key = (provider, scopes)
        if key not in self.reads:
            self.reads[key] = self._split(provider, scopes)
        return self.reads[key]

    def _split(self, provider: int, scopes: tuple[str, ...]) -> ReadScopes:
        entry = self.entries[provider]
        names = frozenset(scope if scope in entry.names else entry.canonical(scope) for scope in scopes)
        unknown = names - self.known[provider]
        if unknown and provider not in self.full:
            self._learn(provider, unknown)
            unknown = names - self.known[provider]
        return ReadScopes(names - unknown, tuple(sorted(unknown)), bool(unknown))

    def _learn(self, provider: int, unknown: frozenset[str]) -> None:
        present, learned = _learn(provider, unknown, self.now)
        self.known[provider] |= present | set(learned)
        self.new += [(provider, name) for name in learned]
        if len(present) + len(learned) >= MOST_UNKNOWN:
            self.full.add(provider)


@in_transaction
def _learn(provider: int, unknown: frozenset[str], now: datetime) -> tuple[set[str], list[str]]:
    """The provider's names that were stored before, and those that are stored now."""
    Provider.objects.select_for_update(no_key=True).get(pk=provider)
    present = set(UnknownScope.objects.filter(provider=provider).values_list("name", flat=True))
    learned = sorted(unknown - present)[: max(MOST_UNKNOWN - len(present), 0)]
    UnknownScope.objects.bulk_create(
        UnknownScope(provider_id=provider, name=name, first_seen_at=now) for name in learned
    )
    return present, learned
