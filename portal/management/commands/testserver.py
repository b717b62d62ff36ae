"""Django's `testserver`, which makes a database on the server, over one of that name: refused outside databases that a run made for itself."""

from __future__ import annotations

from django.core.management.commands import testserver

from portal.disposable import OnDisposable


class Command(OnDisposable, testserver.Command):
    pass
