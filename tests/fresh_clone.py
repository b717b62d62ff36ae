"""A fresh clone: this checkout as a user gets it, with the packages of this one, and a PostgreSQL of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from portal.embedded_postgres import CHECKOUT

# What Python compiled comes along, for it depends on the files alone.
NOT_CLONED = (".git", ".venv", ".env", "var", "staticfiles", ".*_cache", "node_modules", ".hypothesis")
OURS = ("DJANGO_", "PORTAL_", "PYTEST_", "TERRA_", "MAKE", "MFLAGS", "ARGS", "SERVE")


class Clone:
    """A directory with our files, in which commands are run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.variables = {name: value for name, value in inherited.items() if name not in ("DATABASE_URL", "DEBUG")}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `more` are variables of its environment. Both outputs are in `stdout`."""
        return subprocess.run(
            words,
            cwd=self.path,
            env={**self.variables, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def manage(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The same of `manage.py`."""
        return self.run(".venv/bin/python", "manage.py", *words, **more)


@contextmanager
def cloned(extra: Mapping[str, str] | None = None) -> Iterator[Clone]:
    """A clone that is cleaned and deleted at the end of the block; `extra` are files added to ours.

    What `make` would install is linked to the packages of these tests, so that nothing is downloaded.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)  # as root: the server's own user needs access
        clone = Clone(Path(directory).resolve() / "clone")
        shutil.copytree(CHECKOUT, clone.path, ignore=shutil.ignore_patterns(*NOT_CLONED))
        environment = clone.path / ".venv"
        environment.mkdir()
        for part in Path(sys.prefix).iterdir():
            if not part.name.startswith("installed-"):
                (environment / part.name).symlink_to(part)
        (environment / "made-by-make").touch()
        for marker in re.findall(r"touch (\S+)", clone.run("make", "-n", "test").stdout):
            (clone.path / marker).parent.mkdir(parents=True, exist_ok=True)
            (clone.path / marker).touch()
        for name, text in (extra or {}).items():
            (clone.path / name).write_text(text, "utf-8")
        try:
            yield clone
        finally:
            if environment.exists():  # not after `make clean`
                clone.run(".venv/bin/python", "-m", "portal.database", "remove")
