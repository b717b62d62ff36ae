"""`make` finds a suitable Python, whatever its name, or names what is missing; it deletes only what it made."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded_postgres import CHECKOUT
from tests.fresh_clone import Clone, cloned

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


def test_a_python_that_is_older_than_its_name_is_skipped_and_the_right_one_named(machine: Path) -> None:
    add_python(machine, "python3.13", "exit 1")
    assert "Python 3.12 or newer is needed, and none was found." in make_environment(machine)


def test_a_python_without_pip_is_named_with_the_package_that_it_lacks(machine: Path) -> None:
    add_python(machine, "python3", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac')
    assert "apt-get install python3.12-venv" in make_environment(machine)


def test_the_first_suitable_python_makes_the_environment(machine: Path) -> None:
    add_python(machine, "python3.14", "exit 1")
    add_python(machine, "python3.12", 'case "$1" in -m) echo "made by me: $*"; exit 1;; esac')
    assert "made by me: -m venv --clear .venv" in make_environment(machine)


def test_an_environment_that_make_did_not_make_is_not_written_over(machine: Path) -> None:
    add_python(machine, "python3", "exit 0")
    (machine / ".venv").mkdir()
    (machine / ".venv" / "theirs").touch()
    assert ".venv has no Python and was not made by make. Move it away." in make_environment(machine)
    assert (machine / ".venv" / "theirs").exists()


@pytest.fixture
def clone() -> Iterator[Clone]:
    with cloned() as made:
        yield made


def test_clean_deletes_what_was_made_here_and_nothing_else(clone: Clone, tmp_path: Path) -> None:
    where = "from portal import demo, embedded_postgres; print(embedded_postgres.place(), demo.HOMES)"
    place, homes = map(Path, clone.run(".venv/bin/python", "-c", where).stdout.split())
    assert clone.run("make", "start").returncode == 0
    with_demo = "from portal import demo\nwith demo.place() as (_, home): print(home)"
    ours = [place / "main", Path(clone.run(".venv/bin/python", "-c", with_demo).stdout.strip()), clone.path / ".venv"]
    assert all(path.exists() for path in ours)
    # Whatever stands where ours would be, even behind a link with our mark, or another checkout's.
    for directory, maker in (
        (tmp_path, str(clone.path)),
        (place / "theirs", "/another/checkout"),
        (homes / "demo-7", ""),
    ):
        directory.mkdir(exist_ok=True)
        for name, text in (("users", ""), ("made-by", maker), ("precious", "")):
            (directory / name).write_text(text)
    (place / "linked").symlink_to(tmp_path)
    (homes / "demo-8").symlink_to(tmp_path)
    for folder in ("staticfiles", "var"):
        (clone.path / folder).mkdir(exist_ok=True)
        (clone.path / folder / "precious").touch()
    (clone.path / ".env").touch()

    ended = clone.run("make", "clean")

    assert ended.returncode == 0, ended.stdout
    assert f"{place / 'theirs'} was not made by this checkout, and stays." in ended.stdout
    assert not any(path.exists() for path in ours)
    kept = (tmp_path, place / "theirs", homes / "demo-7", clone.path / "staticfiles", clone.path / "var")
    assert all((path / "precious").exists() for path in kept)
    assert (clone.path / ".env").exists()
    shutil.rmtree(place)


def test_clean_leaves_an_environment_that_make_did_not_make(clone: Clone) -> None:
    (clone.path / ".venv" / "made-by-make").unlink()
    ended = clone.run("make", "clean")
    assert ended.returncode == 0, ended.stdout
    assert (clone.path / ".venv").exists()
