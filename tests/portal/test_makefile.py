"""`make` finds a Python that will do, whatever the names say, or says what is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from portal.cluster import CHECKOUT

TOOLS = ("sh", "cat", "cksum", "tr", "awk", "touch", "rm")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout on a machine with no Python but those that a test adds to its `bin`."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(CHECKOUT / name, tmp_path)
    return tmp_path


def make_environment(machine: Path) -> str:
    result = subprocess.run(
        [str(shutil.which("make")), ".venv/bin/python"],
        cwd=machine,
        env={"PATH": str(machine / "bin"), "HOME": str(machine)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    return result.stdout + result.stderr


def add_python(machine: Path, name: str, script: str) -> None:
    program = machine / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_python_that_is_older_than_its_name_is_passed_by_and_the_right_one_named(machine: Path) -> None:
    add_python(machine, "python3.13", "exit 1")
    assert "Python 3.12 or newer is needed, and none was found." in make_environment(machine)


def test_a_python_without_pip_is_named_with_the_package_that_it_lacks(machine: Path) -> None:
    add_python(machine, "python3", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac')
    assert "apt-get install python3.12-venv" in make_environment(machine)


def test_the_first_python_that_will_do_makes_the_environment(machine: Path) -> None:
    add_python(machine, "python3.14", "exit 1")
    add_python(machine, "python3.12", 'case "$1" in -m) echo "made by me: $*"; exit 1;; esac')
    assert "made by me: -m venv --clear .venv" in make_environment(machine)
