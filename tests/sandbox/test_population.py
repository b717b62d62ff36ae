"""People and connections are a function of the seed and a number."""

from __future__ import annotations

import csv
import json
from collections import Counter
from uuid import UUID

import pytest

from scopes.catalogue import default
from scopes.sandbox.people import NAMED_PEOPLE, Connection
from scopes.sandbox.population import Population, connections_before, owner_of, people_file
from tests.sandbox.conftest import TODAY, population

OURA = {scope.name for scope in default().provider("oura").scopes}
OURA_MANDATORY = {scope.name for scope in default().provider("oura").scopes if scope.mandatory}


def of(name: str) -> list[Connection]:
    return population().of_reference(name)


def granted(connection: Connection) -> set[str]:
    assert connection.scopes is not None
    return set(connection.scopes.split(","))


def test_the_cast_comes_first_with_the_promised_connections() -> None:
    (ada,), (ben,), (cy,), (dee,), (eve,), finn = map(of, ("ada", "ben", "cy", "dee", "eve", "finn"))
    assert ada.provider == "OURA" and granted(ada) == OURA
    assert ada.last_webhook_update and ada.last_webhook_update > "2026-11-20"
    assert ben.provider == "OURA" and granted(ben) == OURA - {"heartrate"}
    assert not cy.active
    assert dee.provider == "APPLE" and dee.scopes is None and dee.active
    assert eve.provider == "FITBIT" and eve.last_webhook_update is not None
    assert eve.last_webhook_update < "2026-10-30"
    assert [connection.provider for connection in finn] == ["OURA", "GARMIN"]


def test_gus_is_known_to_the_host_while_his_connection_has_no_reference_id() -> None:
    assert population().person(6).name == "Gus Gray"
    assert of("gus") == []
    assert population().connection(connections_before(6)).reference_id is None


def test_the_same_seed_gives_the_same_people_and_another_gives_others() -> None:
    one, again, other = (Population(seed, 300, TODAY, default()) for seed in (1, 1, 2))
    everything = [one.connection(n) for n in range(300)]
    assert everything == [again.connection(n) for n in range(300)]
    assert not {each.user_id for each in everything} & {other.connection(n).user_id for n in range(300)}
    assert one.person(50) == again.person(50) != other.person(50)


def test_who_a_connection_belongs_to_does_not_depend_on_how_many_there_are() -> None:
    few, many = Population(1, 100, TODAY, default()), Population(1, 1_000_000, TODAY, default())
    assert [few.connection(n) for n in range(100)] == [many.connection(n) for n in range(100)]


def test_every_connection_has_one_owner_and_every_person_one_to_three_connections() -> None:
    owners = [owner_of(number) for number in range(5000)]
    per_person = Counter(person for person, _ in owners)
    assert list(per_person) == list(range(len(per_person)))
    assert set(per_person.values()) == {1, 2, 3}
    assert all(number == connections_before(person) + slot for number, (person, slot) in enumerate(owners))


def test_each_person_has_one_connection_per_provider() -> None:
    people = population(2000)
    for person in range(2000):
        providers = [each.provider for each in people.of_reference(people.person(person).reference_id)]
        assert len(providers) == len(set(providers))


def test_a_user_id_gives_its_number_and_no_other_id_does() -> None:
    people = Population(1, 1_000_000, TODAY, default())
    for number in (0, 7, 8, 499_999, 999_999):
        user_id = people.connection(number).user_id
        assert str(UUID(user_id)) == user_id and UUID(user_id).version == 5
        assert people.number_of(user_id) == people.number_of(user_id.upper()) == number
        assert Population(2, 1_000_000, TODAY, default()).number_of(user_id) is None
        assert Population(1, number, TODAY, default()).number_of(user_id) is None
    assert people.number_of("00000000-0000-4000-8000-000000000000") is None
    assert people.number_of("no id at all") is None


@pytest.mark.parametrize("reference_id", ["cust-0000030", "cust-30", "cust-0000001", "cust-", "cust-²", "Ada", ""])
def test_an_unknown_reference_id_finds_nothing(reference_id: str) -> None:
    assert population(30).of_reference(reference_id) == []


def test_most_grant_all_and_some_lack_something_but_never_what_oura_insists_on() -> None:
    people = Population(1, 10_000, TODAY, default())
    oura = [each for each in map(people.connection, range(10_000)) if each.provider == "OURA" and each.scopes]
    full = sum(granted(each) == OURA for each in oura)
    assert 0.7 * len(oura) < full < 0.9 * len(oura)
    assert all(granted(each) >= OURA_MANDATORY for each in oura)
    assert len({frozenset(granted(each)) for each in oura}) < 20
    assert len({each.scopes for each in oura if granted(each) == OURA}) > 1


def test_a_phone_and_a_diary_key_report_no_scopes() -> None:
    people = Population(1, 10_000, TODAY, default())
    silent = {"APPLE", "SAMSUNG", "MYFITNESSPAL"}
    found = [each for each in map(people.connection, range(10_000)) if each.provider in silent]
    assert {each.provider for each in found} == silent
    assert all(each.scopes is None for each in found)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_people_file_holds_every_person_once(form: str) -> None:
    lines = list(people_file(population(200), form))
    read = [json.loads(line) for line in lines] if form == "jsonl" else list(csv.DictReader(lines))
    assert len(read) == 200
    assert list(read[0]) == ["reference_id", "email", "name", "locale", "plan"]
    assert [person["reference_id"] for person in read[: len(NAMED_PEOPLE)]] == [
        person.reference_id for person in NAMED_PEOPLE
    ]
    assert len({person["email"] for person in read}) == 200
    assert all(
        person["email"].isascii() and person["email"].endswith(("@example.com", "@example.org")) for person in read
    )
    assert {person["locale"] for person in read} == {"en", "de"}
