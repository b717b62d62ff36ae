"""Django's `sqlflush`, which prints what deletes all rows: refused on what no run made for itself."""

from __future__ import annotations

from django.core.management.commands import sqlflush

from portal.disposable_database import OnDisposable


class Command(OnDisposable, sqlflush.Command):
    pass
