"""One thread works for all: nothing that is requested is done by two, and nothing is forgotten."""

from __future__ import annotations

import pytest

from scopes.sync.batcher import Batcher
from tests.concurrently import at_once


def always() -> bool:
    return True


def test_what_is_requested_during_the_work_is_done_by_one_more_round() -> None:
    batcher, rounds = Batcher(), list[str]()

    def once() -> None:
        rounds.append("round")
        if len(rounds) == 1:
            assert batcher.work(lambda: rounds.append("not by who asks"), always)

    assert batcher.work(once, always)
    assert rounds == ["round", "round"]


def test_without_time_the_rest_is_left_to_the_next() -> None:
    batcher, rounds = Batcher(), list[str]()
    assert not batcher.work(lambda: rounds.append("none"), lambda: False)
    assert batcher.work(lambda: rounds.append("round"), always)
    assert rounds == ["round"]


def test_who_fails_gives_the_turn_back() -> None:
    batcher, rounds = Batcher(), list[str]()

    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        batcher.work(fail, always)
    assert batcher.work(lambda: rounds.append("round"), always)
    assert rounds == ["round"]


def test_of_many_threads_only_one_works_at_a_time_and_all_is_done() -> None:
    batcher, requested, done, busy = Batcher(), list[int](), list[int](), list[int]()

    def once() -> None:
        busy.append(1)
        assert len(busy) == 1
        done[:] = list(requested)
        busy.clear()

    def ask_often(who: int) -> None:
        for number in range(300):
            requested.append(who * 1000 + number)
            assert batcher.work(once, always)

    at_once(*(lambda who=who: ask_often(who) for who in range(6)))
    assert sorted(done) == sorted(requested)
