"""Every named constraint of the database is tested, in the file of its table."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from django.apps import apps

HERE = Path(__file__).parent


def test_every_named_constraint_is_tested_with_its_table() -> None:
    tables = apps.get_app_config("scopes").get_models()
    tested = {
        name: path.stem
        for path in HERE.glob("test_*.py")
        for name in getattr(import_module(f"tests.models.{path.stem}"), "REFUSED", ())
    }

    assert tested == {
        constraint.name: f"test_{table.__module__.rpartition('.')[2]}"
        for table in tables
        for constraint in table._meta.constraints
    }
