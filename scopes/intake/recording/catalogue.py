"""Load the catalogue's files into the database. Idempotent; returns what changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from scopes.catalogue import Catalogue
from scopes.catalogue import Provider as Entry
from scopes.counted import counted
from scopes.models import Provider, Scope, UnknownScope
from scopes.models.transactions import in_transaction
from scopes.outbox import publication


@dataclass(slots=True)
class LoadResult:
    """What loading changed, as lines of text. `judged_anew` are the policies that were published again for it."""

    changes: list[str] = field(default_factory=list)
    judged_anew: list[str] = field(default_factory=list)


def load(catalogue: Catalogue, now: datetime) -> LoadResult:
    """Make the records match the files, all or nothing. A provider without a file stays, with `in_catalogue` false.

    Policies whose meaning changes are published again, so that every verdict is right at once.
    """
    loaded = _load(catalogue)
    loaded.judged_anew = [str(version) for version in publication.publish_catalogue(now)]
    return loaded


@in_transaction
def _load(catalogue: Catalogue) -> LoadResult:
    loaded = LoadResult()
    present = {row.slug: row for row in Provider.objects.select_for_update().order_by("slug")}
    rows = {slug: _provider(entry, present.get(slug), loaded) for slug, entry in sorted(catalogue.providers.items())}
    for slug, entry in catalogue.providers.items():
        successor = rows[entry.successor] if entry.successor else None
        if rows[slug].successor_id != (successor.pk if successor else None):
            rows[slug].successor = successor
            rows[slug].save(update_fields=["successor"])
        _scopes(rows[slug], entry, loaded if slug in present else LoadResult())
    for slug in sorted(present.keys() - catalogue.providers.keys()):
        if present[slug].in_catalogue:
            Provider.objects.filter(pk=present[slug].pk).update(in_catalogue=False)
            loaded.changes.append(f"- {slug}: no longer in the catalogue; its records stay")
    return loaded


def _provider(entry: Entry, row: Provider | None, loaded: LoadResult) -> Provider:
    data = entry.as_data()
    if row is None:
        loaded.changes.append(f"+ {entry.slug}: {entry.name}, {counted(len(entry.scopes), 'scope')}")
        row = Provider(slug=entry.slug)
    elif row.entry == _as_stored(data) and row.in_catalogue:
        return row
    else:
        parts = [key for key in sorted(data) if key != "scopes" and row.entry.get(key) != _as_stored(data)[key]]
        if parts:
            loaded.changes.append(f"~ {entry.slug}: {', '.join(parts)}")
        elif not row.in_catalogue:
            loaded.changes.append(f"~ {entry.slug}: in the catalogue")
    row.name, row.entry, row.in_catalogue = entry.name, data, True
    row.on_device, row.retired_on, row.confirmed = entry.on_device, entry.retired_on, entry.confirmed
    row.save()
    return row


def _as_stored(data: dict[str, object]) -> dict[str, object]:
    """`data` as JSON returns it: tuples become lists."""

    def plain(value: object) -> object:
        if isinstance(value, (list, tuple)):
            return [plain(part) for part in value]
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        return value

    return {key: plain(value) for key, value in data.items()}


def _scopes(row: Provider, entry: Entry, loaded: LoadResult) -> None:
    present = {scope.name: scope for scope in row.scopes.all()}
    for scope in entry.scopes:
        known = present.pop(scope.name, None)
        values = {"label": scope.label, "mandatory": scope.mandatory, "confirmed": scope.confirmed}
        if known is None:
            loaded.changes.append(f"+ {row.slug}: scope {scope.name}")
            Scope.objects.create(provider=row, name=scope.name, **values)
        elif any(getattr(known, field) != value for field, value in values.items()):
            loaded.changes.append(f"~ {row.slug}: scope {scope.name}")
            Scope.objects.filter(pk=known.pk).update(**values)
    for name, gone in present.items():
        gone.delete()
        loaded.changes.append(f"- {row.slug}: scope {name}")
    unknown = UnknownScope.objects.filter(provider=row).values_list("pk", "name")
    if learned := [pk for pk, name in unknown if entry.knows(name)]:
        UnknownScope.objects.filter(pk__in=learned).delete()
