"""Django's `testserver`, which makes a database over one of that name: refused on what no run made for itself."""

from __future__ import annotations

from django.core.management.commands import testserver

from portal.disposable_database import OnDisposable


class Command(OnDisposable, testserver.Command):
    pass
