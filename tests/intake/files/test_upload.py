"""A file of connections is sorted on disk, handed on in batches that part no connection, and counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scopes.intake.files import upload
from scopes.intake.files.encoding import UnreadableFile
from scopes.intake.files.file_rows import RefusedRow
from scopes.intake.files.upload import NoSuchSource, Upload, fingerprint_of, source_of
from scopes.intake.recording.recorded import Recorded
from scopes.models import Source
from tests.cast import NOW, terra

ROWS = "provider,user_id,at\noura,b,2026-11-03\noura,a,2026-11-02\noura,,2026-11-02\noura,b,2026-11-01\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "ada@example.com.csv"
    file.write_text(ROWS)
    return file


@pytest.fixture
def read(file: Path) -> Iterator[Upload]:
    """An upload that has read the file."""
    with closing(Upload()) as one:
        outcomes = list(one.read(file, "terra", None, NOW))
        assert [outcome for outcome in outcomes if outcome] == [RefusedRow(4, "user_id is missing")]
        yield one


@pytest.mark.parametrize(("most", "batches"), [(500, [["a", "b", "b"]]), (1, [["a"], ["b", "b"]])])
def test_a_batch_has_every_row_of_its_connections_oldest_first(
    read: Upload, monkeypatch: pytest.MonkeyPatch, most: int, batches: list[list[str]]
) -> None:
    monkeypatch.setattr(upload, "BATCH", most)
    found = list(read.batches())

    assert [[seen.user_id for seen in batch] for batch in found] == batches
    assert [seen.happened_at.day for batch in found for seen in batch] == [2, 1, 3]


def test_every_row_is_counted_once(read: Upload) -> None:
    read.add(Recorded(new=1, unchanged=1))

    counts = read.counts()
    assert (counts["rows"], counts["new"], counts["unchanged"], counts["repeated"], counts["refused"]) == (
        4,
        1,
        1,
        1,
        1,
    )
    assert list(read.summary(applied=False)) == [
        "1 new, 0 changed, 1 unchanged, 1 refused",
        "Further rows about the same connection: 1",
        "Nothing was changed. Add --apply to import it.",
    ]


def test_what_stays_of_a_stopped_upload_is_reported(read: Upload) -> None:
    assert read.what_remains(applied=True) == "Nothing was changed."
    read.add(Recorded(new=1))
    assert read.what_remains(applied=False) == "Nothing was changed."
    assert read.what_remains(applied=True) == "Imported before: 1. The same command goes on from there."


def test_a_file_is_identified_by_its_content_and_a_name_without_addresses(file: Path, tmp_path: Path) -> None:
    mark = fingerprint_of(file)
    other = tmp_path / "other.csv"
    other.write_text(ROWS + "\n")

    assert "ada@" not in mark and mark == fingerprint_of(file)
    assert mark.partition("sha256:")[2] != fingerprint_of(other).partition("sha256:")[2]
    with pytest.raises(UnreadableFile, match="is no file"):
        fingerprint_of(tmp_path)


@pytest.mark.django_db
def test_a_source_is_found_among_those_that_are_recorded_and_no_other() -> None:
    recorded = terra()

    assert source_of(recorded.key)() == recorded
    with pytest.raises(NoSuchSource, match=r"no source 'terra:made-up'; there are terra:prod\."):
        source_of("terra:made-up")
    assert Source.objects.count() == 1
