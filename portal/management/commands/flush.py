"""Django's `flush`, which deletes all rows: refused on what no run made for itself."""

from __future__ import annotations

from django.core.management.commands import flush

from portal.disposable_database import OnDisposable


class Command(OnDisposable, flush.Command):
    pass
