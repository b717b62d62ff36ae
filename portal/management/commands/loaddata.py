"""Django's `loaddata`, which writes over rows: refused outside databases that a run made for itself."""

from __future__ import annotations

from django.core.management.commands import loaddata

from portal.disposable import OnDisposable


class Command(OnDisposable, loaddata.Command):
    pass
