"""The desk with all its screens: every module of this package is imported, and puts its own there."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from scopes import admin
from scopes.admin.site import desk

__all__ = ["desk"]

for module in pkgutil.iter_modules(admin.__path__):
    import_module(f"{admin.__name__}.{module.name}")
