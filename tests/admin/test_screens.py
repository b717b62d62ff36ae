"""The desk has the screens of every module of its package."""

from __future__ import annotations

from inspect import unwrap
from pathlib import Path

from scopes import admin
from scopes.admin.screens import desk

MARKS = ("@desk.screen(", "@admin.register(")


def test_every_module_that_has_a_screen_has_put_it_there() -> None:
    (folder,) = admin.__path__
    written = {
        path.stem for path in Path(folder).glob("*.py") if any(mark in path.read_text("utf-8") for mark in MARKS)
    }
    views = [unwrap(pattern.callback) for pattern in desk.screens.values()]
    there = {view.__module__ for view in views} | {type(one).__module__ for one in desk._registry.values()}

    assert {module.rpartition(".")[2] for module in there} == written
