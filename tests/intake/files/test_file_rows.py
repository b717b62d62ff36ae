"""Files as spreadsheets, databases and accidents leave them: read where they can mean one thing, refused in words."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from scopes.facts import PersonKnown
from scopes.intake.files.file_rows import LONGEST_LINE, RefusedRow, UnreadableFile
from scopes.intake.files.people_file import read

EVA = PersonKnown("ref-eva", "eva@example.com", "Eva Grün", "de", "plus")
COMMAS = "reference_id,email,name,locale,plan\nref-eva,eva@example.com,Eva Grün,de,plus\n"


def written(folder: Path, content: str | bytes, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        COMMAS,
        COMMAS.replace(",", ";"),
        COMMAS.replace(",", "\t"),
        COMMAS.replace(",", "|"),
        "sep=;\r\n" + COMMAS.replace(",", ";").replace("\n", "\r\n"),
        "sep=\t\n" + COMMAS.replace(",", "\t"),
        '"sep=,"\n' + COMMAS,
        COMMAS.replace("reference_id", "Reference_ID").replace("email", " EMail ").replace("plan", "PLAN"),
        COMMAS.replace("reference_id", "Reference ID"),
        COMMAS.replace("\n", ",\n"),
        COMMAS.replace("plan\n", "plan,,\n"),
        COMMAS.replace("plus\n", "plus,,\n"),
        "\n,,,,\n" + COMMAS.replace("\n", "\n\n,,,,\n  ,\n"),
        COMMAS.replace("\n", "\r"),
        '"reference_id";"email";"name";"locale";"plan"\n"ref-eva";"eva@example.com";"Eva Grün";"de";"plus"\n',
        "\ufeff" + COMMAS,
        COMMAS.encode("utf-16"),
        COMMAS.encode("utf-16-le"),
        COMMAS.encode("utf-16-be"),
        COMMAS.encode("utf-32"),
        COMMAS.encode("cp1252"),
    ],
)
def test_one_person_is_read_however_the_file_is_written(tmp_path: Path, content: str | bytes) -> None:
    assert list(read(written(tmp_path, content))) == [EVA]


def test_json_lines_are_read_in_the_same_encodings_and_capitals(tmp_path: Path) -> None:
    line = '{"Reference_ID": "ref-eva", "email": "eva@example.com", "name": "Eva Grün", "locale": "de", "Plan": "plus"}'

    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert list(read(written(tmp_path, line.encode(encoding), "people.jsonl"))) == [EVA]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            COMMAS.replace("Grün", "Sørensen").encode("cp1252"),
            "not UTF-8 text, from line 2: it looks like Windows-1252",
        ),
        (COMMAS.replace("Eva", "Dvořák").encode("cp1250"), "not UTF-8 text, from line 2"),
        (COMMAS.replace("Eva Grün", "Зоя").encode("cp1251"), "not UTF-8 text, from line 2"),
        (COMMAS.replace("Grün", "Peña").encode("mac-roman"), "not UTF-8 text, from line 2"),
        (COMMAS.encode() + b"ref-b,,J\xfcrgen,,\n", "is UTF-8, and line 3 of it is damaged"),
        (COMMAS.encode().partition(b"\xbc")[0], "not UTF-8 text, from line 2"),
        (COMMAS.encode("utf-16") + b"\n", "is UTF-16, and line 3 of it is damaged"),
        (COMMAS.replace("\n", "\nr,a@example.com;X;;\n", 1).replace(",name", ";name"), "by commas and semicolons"),
        ("sep=^\n" + COMMAS, r"names '\^' as separator; commas and semicolons and tabs and bars are read"),
        ("user id,e-mail,full name\nx,x@example.com,X\n", "reference_id among them; known are reference_id, email"),
        ("user id;e-mail;full name\nx;x@example.com;X\n", "Found, separated by semicolons: 'user id', 'e-mail', 'full"),
        ("reference_id,,name\na,b,c\n", "Unknown column ''"),
        ("reference_id,Reference ID\na,b\n", "names a column twice: reference_id"),
        ("\n,,\n\n", "It is empty: the first line must name columns"),
        (b"PK\x03\x04\x14\x00", "people.csv is an Excel workbook or another ZIP file, not text"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (
            'reference_id,name\na,Ada\nb,"Ben\nc,Cy\nd,Dee\n',
            "^Line 3: unexpected end of data. Is a quotation mark left",
        ),
        ('reference_id,name\na,"Ada" Lovelace\n', "^Line 2: .* Is a quotation mark left open or not doubled"),
    ],
)
def test_what_can_mean_two_things_is_refused_and_what_was_found_is_named(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    with pytest.raises(UnreadableFile, match=words) as refused:
        list(read(written(tmp_path, content)))
    assert "@" not in str(refused.value)


def test_a_row_that_another_program_separated_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    path = written(tmp_path, COMMAS + "ref-b;b@example.com;Ben;de;plus\n")

    assert list(read(path)) == [EVA, RefusedRow(3, "its number of columns, separated by commas, is 1 and not 5")]


@pytest.mark.parametrize("value", ["1.23457E+12", "1,23457e+12", "1E+15", "#REF!", "#N/A", "########"])
def test_an_id_that_a_spreadsheet_damaged_is_refused(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, f'reference_id,name\n"{value}",Ada\n00123,Ben\n1.5,Cy\n12E5,Dee\n')

    refused, *others = read(path)

    assert isinstance(refused, RefusedRow)
    assert refused.line == 2 and refused.reason.startswith("reference_id is Excel's damage")
    assert [person.reference_id for person in others if isinstance(person, PersonKnown)] == ["00123", "1.5", "12E5"]


def test_an_id_that_stands_twice_is_reported_and_its_first_row_counts(tmp_path: Path) -> None:
    path = written(tmp_path, "reference_id,name\nref-a,Ada\nREF-A,Another\n ref-a ,Eve\n")

    assert list(read(path)) == [
        PersonKnown("ref-a", name="Ada"),
        PersonKnown("REF-A", name="Another"),
        RefusedRow(4, "reference_id stands in line 2 already, and that row counts"),
    ]


def test_a_field_that_json_names_twice_is_refused(tmp_path: Path) -> None:
    rows = ['{"reference_id": "a", "reference_id": "b"}', '{"reference_id": "a", "Reference_ID": "b"}']

    assert list(read(written(tmp_path, "\n".join(rows), "people.jsonl"))) == [
        RefusedRow(1, "it names a field twice"),
        RefusedRow(2, "it names a field twice"),
    ]


def test_a_row_is_known_by_the_line_on_which_it_begins(tmp_path: Path) -> None:
    path = written(tmp_path, 'reference_id,name\na,"A\nd\na"\nb,\0\nc,Cy\n')

    assert list(read(path)) == [
        RefusedRow(2, "name holds characters that cannot be shown"),
        RefusedRow(5, "name holds characters that cannot be shown"),
        PersonKnown("c", name="Cy"),
    ]


def one_line(path: Path) -> None:
    with path.open("w") as file:
        file.write("reference_id,name\na,")
        for _ in range(100):
            file.write("x" * LONGEST_LINE)


def open_quotes(path: Path) -> None:
    """Each line ends inside a quoted field: one row of endless columns."""
    with path.open("w") as file:
        file.write('reference_id,name\na,"')
        for _ in range(100_000):
            file.write(f'","{"x" * 50}\n')


@pytest.fixture(params=[one_line, open_quotes])
def endless(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "people.csv"
    request.param(path)
    yield path
    path.unlink()


def test_a_row_without_an_end_is_refused_in_bounded_memory(endless: Path) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile, match=r"(?i)line 2 has more than 1,000,000 characters"):
            list(read(endless))
        assert tracemalloc.get_traced_memory()[1] < 64_000_000
    finally:
        tracemalloc.stop()
