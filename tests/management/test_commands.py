"""What all our commands have in common."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import load_command_class

import scopes.management.commands

FOLDER = Path(scopes.management.commands.__file__).parent
COMMANDS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_a_sentence(name: str) -> None:
    help_text = load_command_class("scopes", name).help

    assert re.match(r"[A-Z`][^.]+[.:]", help_text), f"the help of {name} begins with a sentence"
    assert help_text in " ".join(
        load_command_class("scopes", name).create_parser("manage.py", name).format_help().split()
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_thin(name: str) -> None:
    assert len((FOLDER / f"{name}.py").read_text("utf-8").splitlines()) < 80
