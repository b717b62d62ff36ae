"""A text names people and connections by any id or address of theirs."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from scopes.facts import IdReplaced
from scopes.judge.mentioned import MOST_WORDS, Mentioned, find_mentioned, known_as
from tests.cast import EVERYTHING, NOW, connection_of, consent, take_in, the

pytestmark = pytest.mark.usefixtures("cast")


@pytest.mark.parametrize("word", ["ref-finn", "Finn@Example.com"])
def test_a_reference_id_or_an_address_mentions_a_person_with_all_their_connections(word: str) -> None:
    finns = connection_of("Finn"), connection_of("Finn", "withings")

    assert find_mentioned(["so", word]) == Mentioned((the("Finn"),), finns, frozenset())


def test_an_id_of_the_source_of_today_or_before_mentions_one_connection() -> None:
    take_in(IdReplaced("oura", "ben-new", "ben-oura", NOW, reference_id="ref-ben", scopes=EVERYTHING))
    ben = connection_of("Ben")

    for word in ("ben-new", "ben-oura"):
        assert find_mentioned([word]) == Mentioned((), (ben,), frozenset({ben.pk}))


def test_a_reference_id_that_no_person_has_mentions_the_unclaimed_connection() -> None:
    take_in(consent("gus", "oura", EVERYTHING))
    gus = connection_of("Gus")

    assert find_mentioned(["ref-gus"]) == Mentioned((), (gus,), frozenset({gus.pk}))


def test_people_and_connections_that_are_chosen_are_mentioned_too() -> None:
    ada, ben = connection_of("Ada"), connection_of("Ben")

    assert find_mentioned([], people=[the("Ada").pk], connections=[ben.pk]) == Mentioned(
        (the("Ada"),), (ada, ben), frozenset({ben.pk})
    )


def test_only_the_first_words_count_and_a_null_byte_is_no_word() -> None:
    words = [f"word-{number}" for number in range(MOST_WORDS - 1)]

    assert find_mentioned(["a\x00b", *words, "ref-ada"]).people == (the("Ada"),)
    assert find_mentioned([*words, "one more", "ref-ada"]) == Mentioned()


def test_it_costs_three_queries_whatever_is_mentioned(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for words in (["ref-ada"], ["ref-finn", "ben-oura", "cy@example.com", "ref-gus"]):
        with django_assert_num_queries(3):
            find_mentioned(words)


def test_a_connection_is_known_by_our_id_and_those_of_the_source() -> None:
    ben = connection_of("Ben")

    assert known_as("ben-oura") == known_as(str(ben.pk)) == [ben]
    assert known_as("ref-ben") == known_as("9" * 30) == known_as("") == []
