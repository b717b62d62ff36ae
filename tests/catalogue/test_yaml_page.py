"""What is no YAML page is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scopes.catalogue import CatalogueError, load
from tests.catalogue.files import FILE, written


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "stride.yaml").write_bytes(FILE.encode("latin-1"))
    with pytest.raises(CatalogueError, match=r"^stride\.yaml, line 14: this is not UTF-8 text"):
        load(tmp_path)


@pytest.mark.parametrize("depth", [21, 2_000, 200_000])
def test_what_is_nested_too_deeply_is_refused_with_its_line(tmp_path: Path, depth: int) -> None:
    with pytest.raises(CatalogueError, match=r"^stride\.yaml, line 16: nothing may be nested deeper than 20 times"):
        load(written(tmp_path, stride=FILE + "deep: " + "[" * depth + "]" * depth))


def test_characters_that_yaml_forbids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"^stride\.yaml.*broken YAML"):
        load(written(tmp_path, stride=FILE.replace("Sleep", "Sl\x00eep")))
