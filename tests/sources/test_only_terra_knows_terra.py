"""Nothing of the portal names Terra but its own package, and what is Terra's by nature."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHERE = ("scopes", "portal", "templates", "static")
ALLOWED = (
    "scopes/sources/terra/",
    "scopes/sources/registry.py",  # which kinds there are
    "scopes/catalogue/providers/",  # what each source calls the providers
    "scopes/catalogue/names.csv",
    "scopes/sandbox/",  # it plays Terra
    "scopes/management/commands/sandbox.py",
    "portal/demo",  # what it shows is the sandbox
    "scopes/diagnose/",  # it reads the texts of Terra's errors
)


def named_in() -> list[str]:
    """The files that name Terra, in whatever case."""
    found = subprocess.run(
        ["git", "grep", "-Iil", "--untracked", "terra", "--", *WHERE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.splitlines()


def test_only_what_is_terra_s_names_it() -> None:
    assert [path for path in named_in() if not path.startswith(ALLOWED)] == []


def test_each_exception_is_needed() -> None:
    assert [allowed for allowed in ALLOWED if not any(path.startswith(allowed) for path in named_in())] == []
