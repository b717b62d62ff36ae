"""Which scope strings stand in standings by name: those of the catalogue, and up to 200 others a provider.

Beyond these a string is kept on the period and leaves one mark in the standing, so that no source can make a standing
per person.
"""

from __future__ import annotations

from datetime import datetime

from scopes.catalogue.entries import Provider as Entry
from scopes.intake.recording.effects import Read
from scopes.models import Provider, UnknownScope
from scopes.models.transactions import in_transaction

BOUND = 200


class Vocabulary:
    """The known strings of the providers of one batch. `new` counts the strings met for the first time."""

    def __init__(self, entries: dict[int, Entry], now: datetime) -> None:
        """`entries`: provider id -> its catalogue entry."""
        self.now = now
        self.known = {pk: set(entry.names) for pk, entry in entries.items()}
        self.full: set[int] = set()
        self.new: list[tuple[int, str]] = []
        self.reads: dict[tuple[int, tuple[str, ...]], Read] = {}
        for pk, name in UnknownScope.objects.filter(provider__in=entries).values_list("provider_id", "name"):
            self.known[pk].add(name)

    def read(self, provider: int, scopes: tuple[str, ...] | None) -> Read:
        """`scopes` split into what stands by name and what does not; None stays "not reported"."""
        if scopes is None:
            return Read()
        told = (provider, scopes)
        if told not in self.reads:
            self.reads[told] = self._split(provider, scopes)
        return self.reads[told]

    def _split(self, provider: int, scopes: tuple[str, ...]) -> Read:
        names = frozenset(scopes)
        strange = names - self.known[provider]
        if strange and provider not in self.full:
            self._learn(provider, strange)
            strange = names - self.known[provider]
        return Read(names - strange, tuple(sorted(strange)), bool(strange))

    def _learn(self, provider: int, strange: frozenset[str]) -> None:
        present, learned = _learn(provider, strange, self.now)
        self.known[provider] |= present | set(learned)
        self.new += [(provider, name) for name in learned]
        if len(present) + len(learned) >= BOUND:
            self.full.add(provider)


@in_transaction
def _learn(provider: int, strange: frozenset[str], now: datetime) -> tuple[set[str], list[str]]:
    """The names that were kept of the provider already, and those that are kept from now on."""
    Provider.objects.select_for_update(no_key=True).get(pk=provider)
    present = set(UnknownScope.objects.filter(provider=provider).values_list("name", flat=True))
    learned = sorted(strange - present)[: max(BOUND - len(present), 0)]
    UnknownScope.objects.bulk_create(
        UnknownScope(provider_id=provider, name=name, first_seen_at=now) for name in learned
    )
    return present, learned
