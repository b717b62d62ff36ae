"""A body is read as it was written, whatever its size, and leaves nothing behind."""

from __future__ import annotations

from mmap import mmap
from pathlib import Path
from threading import Event, Thread

import pytest

from scopes.sync.body import IN_MEMORY, Body


@pytest.mark.parametrize(("size", "large"), [(0, False), (IN_MEMORY, False), (IN_MEMORY + 1, True)])
def test_a_body_reads_back_as_its_pieces(size: int, large: bool) -> None:
    content = (b"0123456789" * (size // 10 + 1))[:size]
    with Body() as body:
        for start in range(0, size, 100_003):
            body.add(content[start : start + 100_003])
        assert body.size == size
        for _ in range(2):
            with body.read() as whole:
                assert (bytes(whole), isinstance(whole, mmap)) == (content, large)


def test_a_large_body_has_no_name_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Body(b"x" * (IN_MEMORY + 1)):
        assert not list(tmp_path.iterdir())


def test_two_large_bodies_are_not_read_at_once() -> None:
    second_is_read = Event()

    def read_second() -> None:
        with second.read():
            second_is_read.set()

    with Body(b"x" * (IN_MEMORY + 1)) as first, Body(b"y" * (IN_MEMORY + 1)) as second, Body(b"z") as small:
        reader = Thread(target=read_second)
        with first.read():
            reader.start()
            with small.read() as whole:
                assert whole == b"z"
            assert not second_is_read.wait(0.1)
        assert second_is_read.wait(10)
        reader.join()
