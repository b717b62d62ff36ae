"""People and connections are found by what an agent has at hand, as it is pasted or typed."""

from __future__ import annotations

import unicodedata

import pytest

from scopes import flow
from scopes.facts import PersonKnown
from scopes.judge import lookup, search
from scopes.models import Person, Source
from tests import cast as people

pytestmark = pytest.mark.django_db

ID = "abcdefghijklmnopqrstuv"
SECRET = "s" * 43


def take_in(*names: str) -> None:
    flow.take_in_people([PersonKnown(f"ref-{number}", name=name) for number, name in enumerate(names)], people.NOW)


def found(words: str) -> list[str]:
    return [person.name for person in search.by_words(search.typed(words), 0, 25)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" ada@example.com ", "ada@example.com"),
        ("mailto:ada@example.com?subject=My%20Oura", "ada@example.com"),
        ("MAILTO:ada%2Boura@example.com", "ada+oura@example.com"),
        ("Ada Lovelace <ada@example.com>", "ada@example.com"),
        (f"https://portal.example.com/r/{ID}/{SECRET}", ID),
        (f"Her link: https://example.com/portal/r/{ID}/{SECRET}. It fails", ID),
        (f"https://mail.example/click?u=https%3A%2F%2Fportal.example.com%2Fr%2F{ID}%2F{SECRET}", ID),
        (f"portal.example.com/r/{ID}/{SECRET}", ID),
        (f"/r/{ID}", ID),
        ("eu/r/123", "eu/r/123"),
        ("mailto:", ""),
        ("Ju\u0308rgen", "Jürgen"),
    ],
)
def test_of_what_is_pasted_that_is_searched_which_names_somebody(text: str, words: str) -> None:
    assert search.typed(text) == words


@pytest.mark.usefixtures("cast")
def test_a_person_is_found_by_reference_id_first_and_by_email_in_any_case() -> None:
    assert search.find_people("ref-ada") == [people.the("ada")]
    assert search.find_people(" ADA@example.com ") == [people.the("ada")]
    assert search.find_people("unknown@example.com") == search.find_people("") == []


@pytest.mark.parametrize("stored", ["ada@münchen.example", "ada@xn--mnchen-3ya.example"])
@pytest.mark.parametrize("typed", ["Ada@München.example", "ada@xn--mnchen-3ya.example"])
def test_an_address_is_found_in_letters_and_in_punycode(stored: str, typed: str) -> None:
    flow.take_in_people([PersonKnown("ref-ada", stored)], people.NOW)
    assert search.find_people(typed) == [people.the("ada")]
    assert search.find_people("ada@xn--999999999.example") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Jürgen Groß", "Jurgen|Juergen|jürgen|gross|Groß|URGEN"),
        ("Ødegård", "Odegard|Ødegård|Odegaard|Oedegaard|degård"),
        ("Siobhán O’Shaughnessy", "O'Shaughnessy|O’Shaughnessy|OShaughnessy|O Shaughnessy|siobhan shaugh"),
        ("Pat O'Shaughnessy", "O'Shaughnessy|O’Shaughnessy|OShaughnessy|O Shaughnessy|haugh pat"),
        ("José-María Núñez", "Jose Nunez|José María|jose-maria nuñez|nunez maria|Jose-Maria"),
        ("Li Å", "li|å|Li Å|aa"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_and_apostrophes_do_not_matter(name: str, words: str, form: str) -> None:
    take_in(unicodedata.normalize(form, name), "Ada Lovelace")  # type: ignore[arg-type]
    for typed in words.split("|"):
        for written in (typed, unicodedata.normalize("NFD", typed)):
            assert found(written) == [unicodedata.normalize(form, name)], written  # type: ignore[arg-type]


def test_three_letters_inside_a_name_are_enough_and_they_stand_together() -> None:
    take_in("Ada Lovelace", "Acela Veloce")
    assert found("vel") == ["Ada Lovelace", "Acela Veloce"]
    assert found("elace") == ["Ada Lovelace"]
    assert found("ovela") == ["Ada Lovelace"]
    assert found("velace ada") == ["Ada Lovelace"]
    assert found("ve") == ["Acela Veloce"], "two letters only begin a word"
    assert found("%") == found("' \\ :*") == []


def test_words_of_name_and_of_address_are_found_together(monkeypatch: pytest.MonkeyPatch) -> None:
    take_in("Ada Lovelace")
    flow.take_in_people([PersonKnown("ref-j", "klein@example.org", "Jürgen Groß")], people.NOW)
    assert found("jurgen klein") == ["Jürgen Groß"]
    flow.take_in_people([PersonKnown("ref-k", name="Jürgen Klein")], people.NOW)
    assert found("jurgen klein") == ["Jürgen Groß", "Jürgen Klein"]
    monkeypatch.setattr(search, "NEAR", 1)
    assert found("jurgen klein gross") == ["Jürgen Groß"]
    assert found("jurgen klein") == ["Jürgen Klein"], "beyond those that are near, all in the name come first"


@pytest.mark.parametrize("near", [10_000, 100, 1])
@pytest.mark.parametrize("words", ["gem", "gemma", "twin gem", "emma twin", "ref-", "Gemma Twin"])
def test_pages_have_everybody_once_however_few_are_near(words: str, near: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "NEAR", near)
    monkeypatch.setattr(search, "CHECKED", 5)
    names = ["Gemma Twin", "Ada Lovelace", "Gema Emma Twin", "Emgem Mmatwin"]
    take_in(*(names[number % len(names)] for number in range(240)))
    pages, after = [], 0
    while page := search.by_words(words, after, 25):
        pages += page
        after = page[-1].pk
    every = Person.objects.order_by("pk")
    met = [person for person in every if all(has(person, word) for word in words.lower().split())]
    assert [person.pk for person in pages] == [person.pk for person in met]


def has(person: Person, word: str) -> bool:
    """Whether the word stands inside a word of the name, or begins one of the reference id."""
    return any(word in one for one in person.name.lower().split()) or person.reference_id.startswith(word)


def test_a_name_without_n_grams_is_found_by_what_begins_its_words() -> None:
    take_in("Jürgen Klein")
    Person.objects.update(name_grams=None, grams_of=None)
    assert found("jür kle") == ["Jürgen Klein"]
    assert found("jurgen") == []
    assert flow.fill_name_grams() == 1
    assert found("jurgen") == ["Jürgen Klein"]


@pytest.mark.parametrize("near", [1, 20_000])
def test_words_are_searched_among_the_people_with_a_connection_in_these_standings(
    cast: Source, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "NEAR", near)
    blocked = lookup.standings_where(health="blocked")
    assert [person.name for person in search.by_words("example", 0, 25, blocked)] == ["Ben Bitdiddle"]
    assert search.by_words("ada", 0, 25, blocked) == search.by_words("ben", 0, 25, []) == []


def test_a_name_that_an_older_release_changed_gets_its_n_grams_anew() -> None:
    take_in("Ada Lovelace")
    Person.objects.update(name="Ada Byron")
    assert (flow.fill_name_grams(), flow.fill_name_grams()) == (1, 0)
    assert found("yro") == ["Ada Byron"]
    assert found("vel") == []


def test_an_id_is_found_by_its_first_four_characters(cast: Source) -> None:
    persons, connections, _ = search.by_start_of_id("ref-", 3)
    assert len(persons) == 3 and connections == []
    _, (connection,), _ = search.by_start_of_id("ada-", 3)
    assert connection.user_id == "ada-oura"
    assert search.by_start_of_id("ada", 3) == search.by_start_of_id("ada- x", 3) == ([], [], [])
    assert search.by_start_of_id("a_a-", 3)[1] == []
