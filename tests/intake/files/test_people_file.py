from __future__ import annotations

from pathlib import Path

import pytest

from scopes.facts import PersonKnown
from scopes.intake.files.file_rows import RefusedRow, UnreadableFile
from scopes.intake.files.people_file import read

ADA = PersonKnown("ref-ada", "ada@example.com", "Ada Lovelace", "en", "pro")


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    as_csv = written(
        tmp_path,
        "people.csv",
        "\ufeffreference_id,email,name,plan,locale\nref-ada, Ada@Example.com ,Ada Lovelace,pro,en\n",
    )
    as_json = written(
        tmp_path,
        "people.jsonl",
        '\n{"locale": "en", "reference_id": "ref-ada", "email": "ada@example.com", "name": "Ada Lovelace",'
        ' "plan": "pro"}\n',
    )

    assert list(read(as_csv)) == list(read(as_json)) == [ADA]


def test_a_missing_value_is_empty_and_numbers_serve_as_reference_ids(tmp_path: Path) -> None:
    path = written(tmp_path, "people.jsonl", '{"reference_id": 17, "email": null}\n')

    assert list(read(path)) == [PersonKnown("17")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "it is not JSON"),
        ("[1]", "it is not an object"),
        ('{"email": "ada@example.com"}', "reference_id is missing"),
        ('{"reference_id": "  "}', "reference_id is missing"),
        ('{"reference_id": "a", "name": ["Ada"]}', "name is not text"),
        ('{"reference_id": "a", "plan": "' + "p" * 51 + '"}', "plan is longer than 50 characters"),
        ('{"reference_id": "a", "email": "ada"}', "email is not an address"),
        ('{"reference_id": "a", "name": "A\\u0000da"}', "name holds characters that cannot be shown"),
        ('{"reference_id": "a", "e-mail": "x@example.com"}', "unknown field 'e-mail'"),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_the_others_are_read(tmp_path: Path, row: str, reason: str) -> None:
    path = written(tmp_path, "people.jsonl", f'{{"reference_id": "first"}}\n{row}\n{{"reference_id": "last"}}\n')

    first, refused, last = read(path)

    assert (first, last) == (PersonKnown("first"), PersonKnown("last"))
    assert isinstance(refused, RefusedRow)
    assert refused.line == 2
    assert refused.reason.startswith(reason)
    assert "@example.com" not in refused.reason


@pytest.mark.parametrize("name", ["山田\u3000太郎", "Jean\u00a0Valjean", "نرگس\u200cزاده"])
def test_names_are_written_with_more_spaces_than_one(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "people.csv", f"reference_id,name\na,{name}\n")

    assert list(read(path)) == [PersonKnown("a", name=name)]


@pytest.mark.parametrize("character", ["\\u0000", "\\ud800", "\\u001b", "\\n"])
def test_what_no_screen_can_show_is_refused(tmp_path: Path, character: str) -> None:
    path = written(tmp_path, "people.jsonl", f'{{"reference_id": "a", "name": "A{character}da"}}\n')

    assert list(read(path)) == [RefusedRow(1, "name holds characters that cannot be shown")]


def test_an_address_where_a_field_should_stand_is_not_repeated(tmp_path: Path) -> None:
    (refused,) = read(written(tmp_path, "people.jsonl", '{"ada@example.com": 1}\n'))
    assert isinstance(refused, RefusedRow)
    assert refused.reason.startswith("unknown field '[address]'; known are")

    with pytest.raises(UnreadableFile) as failure:
        list(read(written(tmp_path, "people.csv", "reference_id,ada@example.com\nref-ada,Ada\n")))
    assert str(failure.value).startswith("Unknown column '[address]'")


def test_a_row_of_another_width_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "people.csv", "reference_id,name\na\nb,Ben,more\nc,Cy\n")

    narrow, wide, right = read(path)

    assert narrow == RefusedRow(2, "its number of columns, separated by commas, is 1 and not 2")
    assert wide == RefusedRow(3, "its number of columns, separated by commas, is 3 and not 2")
    assert right == PersonKnown("c", name="Cy")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"reference_id,name\na,\xff\xfe\n", "not UTF-8 text, from line 2: it looks like Windows-1252"),
        ("name,email\nAda,ada@example.com\n", "reference_id among them"),
        ("", "reference_id among them"),
        ("reference_id,shoe\na,42\n", "Unknown column 'shoe'"),
        ("reference_id,name,name\na,Ada,Bea\n", "names a column twice"),
        ('reference_id,name\na,"never closed\n', "unexpected end of data"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        list(read(written(tmp_path, "people.csv", text)))


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be read"):
        list(read(tmp_path / "nowhere.csv"))
