"""Django's `loaddata`, which writes over rows: refused on what no run made for itself."""

from __future__ import annotations

from django.core.management.commands import loaddata

from portal.disposable_database import OnDisposable


class Command(OnDisposable, loaddata.Command):
    pass
