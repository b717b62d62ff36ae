"""Which encoding a file is in is decided over the whole of it, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from scopes.intake.files.encoding import UnreadableFile, encoding_of
from scopes.intake.files.people_file import read

COMMAS = "reference_id,email,name,locale,plan\nref-eva,eva@example.com,Eva Grün,de,plus\n"


def written(folder: Path, content: str | bytes, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_what_is_broken_at_the_end_is_refused_before_the_first_row(tmp_path: Path) -> None:
    many = COMMAS.encode() + b"".join(b"ref-%d,,,,\n" % number for number in range(200_000))
    rows = read(written(tmp_path, many + b"ref-last,,\xc3,,\n"))

    with pytest.raises(UnreadableFile, match="line 200003 of it is damaged"):
        next(rows)


def test_a_pipe_is_refused_because_it_can_be_read_once_only() -> None:
    with pytest.raises(UnreadableFile, match="What comes through a pipe must be written to one first"):
        list(read(Path("/dev/null")))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Eva Grün".encode(), "utf-8"),
        (b"", "utf-8"),
        ("Eva Grün".encode("utf-8-sig"), "utf-8-sig"),
        ("Eva Grün".encode("utf-16"), "utf-16"),
        ("Eva Grün".encode("utf-16-be"), "utf-16-be"),
        ("Eva Grün".encode("utf-32"), "utf-32"),
        ("Eva Grün".encode("cp1252"), "cp1252"),
    ],
)
def test_a_file_is_read_in_the_encoding_that_its_bytes_prove(tmp_path: Path, content: bytes, encoding: str) -> None:
    assert encoding_of(written(tmp_path, content)) == encoding


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Sørensen".encode("cp1252"), "not UTF-8 text, from line 1: it looks like Windows-1252"),
        ("Зоя".encode("cp1251"), "not UTF-8 text, from line 1"),
        ("Grün\n".encode() + b"J\xfcrgen", "is UTF-8, and line 2 of it is damaged"),
        (b"PK\x03\x04", "an Excel workbook or another ZIP file, not text"),
    ],
)
def test_a_file_whose_letters_may_be_others_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        encoding_of(written(tmp_path, content))
