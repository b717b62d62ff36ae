"""The command's output for each of the cast, word by word, and its JSON key by key."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scopes.facts import AttemptFailed, ConsentGiven
from tests import cast as people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

OUTPUTS = Path(__file__).parents[1] / "fixtures" / "outputs"


def show(*words: str) -> str:
    out = StringIO()
    call_command("show_person", *words, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", ["ada", "ben", "cy", "dee", "eve", "finn"])
def test_each_of_the_cast_is_described_in_these_words(name: str) -> None:
    assert show(f"ref-{name}") == (OUTPUTS / f"{name}.txt").read_text("utf-8")


def test_unclaimed_connections_are_described_with_their_attempts() -> None:
    people.take_in(
        people.consent("gus", "oura", ("email", "daily", "heartrate")),
        AttemptFailed(people.NOW, "missing_scopes", "whoop", "ref-gus"),
    )

    assert show("ref-gus") == show("gus-oura") == (OUTPUTS / "unclaimed.txt").read_text("utf-8")


def test_a_person_is_found_by_reference_id_address_and_source_id() -> None:
    assert show("ref-ada") == show(" ADA@example.com ") == show("ada-oura")


def test_a_person_with_one_id_in_two_environments_is_described_once() -> None:
    people.take_in(people.consent("ada", "oura", people.EVERYTHING), source=people.terra("terra:staging"))

    assert show("ada-oura").count("Ada Lovelace") == 1


def test_an_unknown_person_is_reported() -> None:
    for who in ("nobody@example.com", "", "ref-nobody"):
        with pytest.raises(CommandError, match=r"^Nobody is known by that reference id, e-mail address or id\.$"):
            show(who, "--json")


def test_as_of_a_day_shows_the_records_of_that_day() -> None:
    assert "Oura through terra:prod: ok" in show("ref-cy", "--as-of", "2026-03-02")
    shown = show("ref-cy", "--as-of", "2026-03-31T12:00").splitlines()
    assert shown[0] == "As of 31 Mar 2026, 12:00 UTC; name, e-mail address and plan are current"
    assert "Oura through terra:prod: broken since 2026-03-31" in shown
    assert "No connection was known" in show("ref-cy", "--as-of", "2026-01-01")
    assert json.loads(show("ref-cy", "--json", "--as-of", "2026-03-01"))[0]["as_of"].startswith("2026-03-01T23:59")


@pytest.mark.parametrize("when", ["2999-01-01", "soon"])
def test_an_impossible_moment_is_a_usage_error(when: str) -> None:
    with pytest.raises(CommandError) as raised:
        show("ref-cy", "--as-of", when)
    assert raised.value.returncode == 2


def test_a_connection_reported_for_two_people_is_shown_for_both() -> None:
    people.take_in(ConsentGiven("oura", "ada-oura", people.NOW, reference_id="ref-ben"))
    people.take_in(ConsentGiven("oura", "ada-oura", people.NOW, reference_id="ref-hal"))

    also = "Terra also reported this connection for `{}`, first on 20 Nov 2026. It stays with `ref-ada`"
    assert also.format("ref-ben") in show("ref-ada") and also.format("ref-hal") in show("ref-ada")
    of_other = "Terra also reported a connection of `ref-ada` for `{}`: Oura, `ada-oura`, first on 20 Nov 2026."
    assert of_other.format("ref-ben") in show("ref-ben")
    assert of_other.format("ref-hal") in show("ref-hal"), "though the host has not reported that person"
    (ada,), (ben,) = json.loads(show("ref-ada", "--json")), json.loads(show("ref-ben", "--json"))
    assert ada["connections"][0]["also_named"] == [
        {"reference_id": other, "first_at": people.NOW.isoformat()} for other in ("ref-ben", "ref-hal")
    ]
    assert [of_other.format("ref-ben") in shown for shown in ben["named_for"]] == [True]


def test_a_reference_id_that_differs_in_case_only_is_suggested() -> None:
    people.take_in(people.consent("Ada", "whoop", ()))
    assert "`ref-ada` and `ref-Ada` differ only in case." in show("ref-ada")
    assert "`ref-Ada` and `ref-ada` differ only in case." in show("ref-Ada")
    assert json.loads(show("ref-ada", "--json"))[0]["in_other_case"] == ["ref-Ada"]
