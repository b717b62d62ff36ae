"""What a file of connections says, and what of it is refused, with line and reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from scopes.facts import ConnectionSeen
from scopes.intake.files.connections_file import read
from scopes.intake.files.file_rows import LONGEST_LINE, RefusedRow, UnreadableFile

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"


def written(folder: Path, text: str, name: str = "connections.jsonl") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_examples_say_the_same_in_both_notations() -> None:
    by_csv = [row for row in read(EXAMPLES / "connections.csv", "terra", None, NOW) if not isinstance(row, RefusedRow)]
    by_json = [
        row for row in read(EXAMPLES / "connections.jsonl", "terra", None, NOW) if not isinstance(row, RefusedRow)
    ]

    assert [seen for _, seen in by_csv] == [seen for _, seen in by_json]
    assert [line for line, _ in by_csv] == [2, 3, 4, 5]
    cy, dee = by_csv[2][1], by_csv[3][1]
    assert cy == ConnectionSeen(
        provider="garmin",
        user_id="5d1c7b0e-3f3f-4f0b-9c53-0a6a3c1f0003",
        happened_at=AT,
        reference_id="ref-cy",
        scopes=("ACTIVITY_EXPORT", "HEALTH_EXPORT"),
        active=False,
        created_at=datetime(2025, 8, 17, 9, 30, tzinfo=UTC),
        last_webhook_on=date(2026, 10, 2),
    )
    assert (dee.provider, dee.scopes, dee.last_webhook_on) == ("apple_health", None, None)


def test_a_row_of_its_own_time_is_of_that_time_and_the_others_of_the_file_s(tmp_path: Path) -> None:
    own, others = (
        '{"provider": "oura", "user_id": "a", "at": "2026-11-01T10:00+02:00"}',
        '{"provider": "oura", "user_id": "b"}',
    )
    path = written(tmp_path, f"{own}\n{others}\n")

    times = [row[1].happened_at for row in read(path, "terra", AT, NOW) if not isinstance(row, RefusedRow)]

    assert times == [datetime(2026, 11, 1, 8, tzinfo=UTC), AT]


def test_a_file_without_a_time_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, '{"provider": "oura", "user_id": "a"}\n')

    with pytest.raises(
        UnreadableFile, match=r"^Line 1 does not say when it was so\. Add a column `at`, or say --as-of"
    ):
        list(read(path, "terra", None, NOW))


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("true", True),
        ("T", True),
        ("1", True),
        ("f", False),
        ("No", False),
        ("", None),
        ("WAHR", True),
        ("Faux", False),
    ],
)
def test_csv_says_true_and_false_as_databases_write_it(tmp_path: Path, word: str, means: bool | None) -> None:
    path = written(tmp_path, f"provider,user_id,active\noura,a,{word}\n", "connections.csv")

    assert list(read(path, "terra", AT, NOW)) == [(2, ConnectionSeen("oura", "a", AT, active=means))]


@pytest.mark.parametrize(
    ("written_as", "resource"),
    [("DEXCOM_EU", "DEXCOM_EU"), ("Dexcom_eu", "DEXCOM_EU"), ("DEXCOM", "DEXCOM"), ("dexcom", None)],
)
def test_our_slug_is_no_name_of_terras(tmp_path: Path, written_as: str, resource: str | None) -> None:
    path = written(tmp_path, f"provider,user_id\n{written_as},a\n", "connections.csv")

    assert list(read(path, "terra", AT, NOW)) == [(2, ConnectionSeen("dexcom", "a", AT, resource=resource))]


def test_none_granted_and_not_reported_stay_distinct(tmp_path: Path) -> None:
    path = written(tmp_path, 'provider,user_id,scopes\noura,a,[]\noura,b,\noura,c,"daily, email"\n', "connections.csv")

    scopes = [row[1].scopes for row in read(path, "terra", AT, NOW) if not isinstance(row, RefusedRow)]

    assert scopes == [(), None, ("daily", "email")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"provider": "oura"', "it is not JSON"),
        ('{"provider": "oura"}', "user_id is missing"),
        ('{"user_id": "secret-value"}', "provider is missing"),
        ('{"provider": "secret-value", "user_id": "a"}', "provider is in no catalogue entry"),
        ('{"provider": "oura", "user_id": "secret-value\\u0000"}', "user_id holds a character that cannot be stored"),
        ('{"provider": "oura", "user_id": "1.23457E+12"}', "user_id is Excel's damage"),
        ('{"provider": "oura", "user_id": "a", "reference_id": "1,23457E+12"}', "reference_id is Excel's damage"),
        ('{"provider": "oura", "user_id": "a", "provider_user_id": "#REF!"}', "provider_user_id is Excel's damage"),
        ('{"provider": "oura", "user_id": "a", "active": "secret-value"}', "active must be true or false"),
        (
            '{"provider": "oura", "user_id": "a", "scopes": {"secret-value": 1}}',
            "scopes: scopes must be text or a list",
        ),
        ('{"provider": "oura", "user_id": "a", "created_at": "secret-value"}', "created_at is not an ISO 8601 time"),
        ('{"provider": "oura", "user_id": "a", "at": "2026-11-22T06:06Z"}', "at lies in the future"),
        ('{"provider": "oura", "user_id": "a", "created_at": "2099-01-01"}', "created_at lies in the future"),
        ('{"provider": "oura", "user_id": "a", "created_at": "0001-01-01"}', "created_at lies before 2000"),
        ('{"provider": "oura", "user_id": "a", "scope": "secret-value"}', "unknown field 'scope'; known are provider,"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_never_with_its_value(tmp_path: Path, row: str, reason: str) -> None:
    good = '{"provider": "oura", "user_id": "good"}'
    path = written(tmp_path, f"{good}\n{row}\n{good}\n")

    first, refused, last = read(path, "terra", AT, NOW)

    assert first == (1, ConnectionSeen("oura", "good", AT))
    assert last == (3, ConnectionSeen("oura", "good", AT))
    assert isinstance(refused, RefusedRow)
    assert refused.line == 2
    assert refused.reason.startswith(reason)
    assert "secret-value" not in refused.reason


def test_half_a_line_at_the_end_is_refused_and_the_lines_before_are_read(tmp_path: Path) -> None:
    whole = '{"provider": "oura", "user_id": "a"}\n'

    assert list(read(written(tmp_path, whole + whole[:20]), "terra", AT, NOW))[1] == RefusedRow(2, "it is not JSON")


def test_a_file_without_line_breaks_is_not_held_in_memory(tmp_path: Path) -> None:
    path = written(tmp_path, "[" + '{"provider": "oura", "user_id": "a"},' * (LONGEST_LINE // 30), "connections.json")

    with pytest.raises(UnreadableFile, match=r"^Line 1 has more than 1,000,000 characters\."):
        list(read(path, "terra", AT, NOW))


def test_a_spreadsheet_s_file_of_connections_is_read(tmp_path: Path) -> None:
    path = tmp_path / "connections.csv"
    text = "Provider;User_ID;Scopes;Active;;\r\nOURA;a;email,daily;WAHR;;\r\n;;;;;\r\n"
    path.write_bytes(text.encode("utf-16"))

    seen = ConnectionSeen("oura", "a", AT, scopes=("email", "daily"), active=True, resource="OURA")
    assert list(read(path, "terra", AT, NOW)) == [(2, seen)]
