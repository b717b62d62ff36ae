"""`make release`: what is committed, what it is made of, and their checksums; the same each time."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from pathlib import Path

import portal
from tests.fresh_clone import Clone, cloned

ROOT = Path(__file__).resolve().parent.parent
NAME = f"scope-desk-{portal.__version__}"


def git(clone: Clone, words: str) -> None:
    ended = clone.run("sh", "-c", f"git -c user.name=x -c user.email=x@example.org {words}")
    assert ended.returncode == 0, ended.stdout


def made(clone: Clone) -> dict[str, bytes]:
    ended = clone.run("make", "release")
    assert ended.returncode == 0, ended.stdout
    return {path.name: path.read_bytes() for path in (clone.path / "dist").iterdir()}


def test_a_release_is_what_is_committed_with_its_components_and_is_the_same_each_time() -> None:
    with cloned() as clone:
        git(clone, "init --quiet")
        git(clone, "add --all")
        git(clone, "commit --quiet --message release")

        files = made(clone)
        assert made(clone) == files
        assert set(files) == {f"{NAME}.tar.gz", f"{NAME}.cdx.json", f"{NAME}.sha256"}
        for line in files[f"{NAME}.sha256"].decode().splitlines():
            digest, name = line.split()
            assert hashlib.sha256(files[name]).hexdigest() == digest
        with tarfile.open(clone.path / "dist" / f"{NAME}.tar.gz") as archive:
            names = archive.getnames()
        assert {f"{NAME}/{name}" for name in ("manage.py", "requirements.txt", "deploy/Dockerfile")} <= set(names)
        assert not [name for name in names if re.search(r"\.venv|\.env$|/var/|__pycache__", name)]
        components = json.loads(files[f"{NAME}.cdx.json"])
        pinned = set(
            re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
        )
        assert {(one["name"], one["version"]) for one in components["components"]} == pinned
        assert components["bomFormat"] == "CycloneDX"
        assert components["metadata"]["component"]["version"] == portal.__version__

        (clone.path / "more.txt").write_text("not committed")
        refused = clone.run("make", "release")
        assert refused.returncode != 0 and "Commit or stash first" in refused.stdout
