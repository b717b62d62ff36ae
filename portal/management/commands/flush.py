"""Django's `flush`, which deletes all rows: refused outside databases that a run made for itself."""

from __future__ import annotations

from django.core.management.commands import flush

from portal.disposable import OnDisposable


class Command(OnDisposable, flush.Command):
    pass
