"""Refused rows are listed in a file, which replaces an earlier list and nothing else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from scopes.intake.files.encoding import UnreadableFile
from scopes.intake.files.file_rows import RefusedRow
from scopes.intake.files.refused_rows import RefusedRows


def list_rows(path: Path, *rows: RefusedRow) -> str:
    with closing(RefusedRows(path)) as refused:
        for row in rows:
            refused.add(row)
    return path.read_text() if path.exists() else ""


def test_each_row_is_listed_with_its_line_and_reason(tmp_path: Path) -> None:
    listed = list_rows(tmp_path / "refused.csv", RefusedRow(2, "user_id is missing"), RefusedRow(5, "a, b"))

    assert listed == 'line,reason\n2,user_id is missing\n5,"a, b"\n'


def test_where_nothing_is_refused_no_list_is_made(tmp_path: Path) -> None:
    assert list_rows(tmp_path / "refused.csv") == ""


def test_an_earlier_list_is_replaced_and_another_file_is_not(tmp_path: Path) -> None:
    list_rows(tmp_path / "refused.csv", RefusedRow(9, "earlier"))
    assert list_rows(tmp_path / "refused.csv", RefusedRow(2, "later")) == "line,reason\n2,later\n"

    precious = tmp_path / "precious.csv"
    precious.write_text("name\nAda\n")
    with pytest.raises(UnreadableFile, match=r"which is another file\. Name another with --refused"):
        list_rows(precious, RefusedRow(2, "later"))
    assert precious.read_text() == "name\nAda\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"No such file or directory\. Name another place with --refused"):
        list_rows(tmp_path / "nowhere" / "refused.csv", RefusedRow(2, "later"))
