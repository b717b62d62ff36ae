"""Django's `remove_stale_contenttypes`, which deletes rows: refused on what no run made for itself."""

from __future__ import annotations

from django.contrib.contenttypes.management.commands import remove_stale_contenttypes

from portal.disposable_database import OnDisposable


class Command(OnDisposable, remove_stale_contenttypes.Command):
    pass
