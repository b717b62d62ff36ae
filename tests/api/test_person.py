"""A person, as the host reads them: what is missing, why, what helps, and which features are on."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scopes import access_log, flow
from scopes.catalogue import default
from scopes.facts import ConsentGiven, PersonKnown
from scopes.models import ApiKey, Person, ReauthLink, Source, TrailEntry
from tests import cast as people
from tests.api.calls import call, key_for, problem
from tests.reauth import hands

READ = ApiKey.Permission.READ_PEOPLE


def read(name: str, key: str = "", query: str = "", tag: str = "") -> HttpResponse:
    return call("GET", f"people/ref-{name}{query}", key or key_for(READ), If_None_Match=tag)


def linked(person: Person, slug: str) -> None:
    now = timezone.now()
    ReauthLink.objects.create(
        public_id=f"{person.pk}-{slug}"[:22], secret_hash=bytes(32), person=person, author="rex", reason="Because",
        integration=people.integration_of(slug), created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip


def body(answer: HttpResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def test_what_is_missing_is_said_in_the_desk_s_words_and_in_the_person_s(cast: Source) -> None:
    person = body(read("ben"))
    [ours] = person["connections"]
    assert (person["reference_id"], person["plan"], person["language"]) == ("ref-ben", "free", "de")
    assert (ours["source"], ours["provider"], ours["health"]) == ("terra:prod", "oura", "blocked")
    assert (ours["link_helps"], ours["reason"], ours["production"]) == ("yes", None, True)
    [missing] = ours["missing"]
    assert (missing["scopes"], missing["need"], missing["granted"]) == (["heartrate"], "required", False)
    assert (missing["features"], missing["link_helps"]) == (["recovery"], True)
    assert (missing["reason"]["code"], missing["remedy"]["code"]) == ("declined", "reauthenticate")
    assert missing["remedy"]["who"] == "person"
    assert "left it unticked" in missing["reason"]["meaning"]
    assert missing["reason"]["person"].startswith("Das war nicht angehakt")
    assert missing["person"]["why"] == ["We need your heart rate to show how you recover."]


def test_the_words_for_the_person_are_in_the_language_that_is_wanted(cast: Source) -> None:
    [ours] = body(read("ben", query="?language=en"))["connections"]
    assert ours["missing"][0]["reason"]["person"] == "It was not ticked when you connected Oura."
    assert problem(read("ben", query="?language=e%2F"))[1] == "invalid"
    assert problem(read("ben", query="?lang=en"))[1] == "parameter_unknown"


def test_features_are_on_off_or_unknown(cast: Source) -> None:
    [ours] = body(read("ben"))["connections"]
    assert [(one["key"], one["title"], one["state"]) for one in ours["features"]] == [
        ("recovery", "Erholung", "off"),
        ("sleep", "Schlafwert", "on"),
        ("training", "Training log", "on"),
    ]
    assert [one["state"] for one in body(read("cy"))["connections"][0]["features"]] == ["off"] * 3
    assert {one["key"] for one in body(read("ada"))["connections"][0]["features"]} >= {"coaching"}


def test_a_broken_connection_has_a_reason_of_its_own(cast: Source) -> None:
    [ours] = body(read("cy"))["connections"]
    assert (ours["health"], ours["reason"]["code"], ours["remedy"]["code"]) == ("broken", "revoked", "reauthenticate")
    assert "was taken away" in ours["reason"]["person"]


def test_the_newest_link_says_how_it_does_and_shows_no_secret(cast: Source) -> None:
    hands.send(people.the("Ben"), now=timezone.now() - timedelta(days=1))
    issued = hands.send(people.the("Ben"), now=timezone.now())
    answer = read("ben")
    [link] = body(answer)["links"]
    assert (link["id"], link["state"], link["outcome"]) == (issued.link.public_id, "live", "")
    assert (link["source"], link["provider"]) == ("terra:prod", "oura")
    assert issued.secret not in answer.content.decode()


@pytest.mark.parametrize("name", ["unheard-of", "BEN", "ben%0A"])
def test_who_is_unknown_is_a_problem(cast: Source, name: str) -> None:
    assert problem(read(name)) == (404, "person_not_found")


def test_another_key_s_person_is_as_unknown(cast: Source) -> None:
    key = key_for(READ, sources=(people.terra("terra:other"),))
    assert problem(read("ben", key)) == (404, "person_not_found")
    lookup = call("POST", "people/lookup", key, {"reference_id": "ref-ben"})
    assert problem(lookup) == (404, "person_not_found")


def test_whose_person_is_not_reported_is_read_by_their_unclaimed_connections(cast: Source) -> None:
    people.take_in(people.consent("gus", "oura", ("daily",)))
    found = body(read("gus"))
    assert (found["reference_id"], found["person_known"], found["plan"], found["links"]) == ("ref-gus", False, "", [])
    assert [(one["provider"], one["health"]) for one in found["connections"]] == [("oura", "blocked")]
    assert TrailEntry.objects.get(verb=access_log.CONNECTION).connection == people.connection_of("gus")
    key = key_for(READ, sources=(people.terra("terra:other"),))
    assert problem(read("gus", key)) == (404, "person_not_found")

    flow.take_in_people([PersonKnown("ref-gus", plan="pro")], people.NOW)
    found = body(read("gus"))
    assert (found["person_known"], found["plan"], len(found["connections"])) == (True, "pro", 1)


def test_of_a_person_a_key_sees_its_own_sources_only(cast: Source) -> None:
    other = people.terra("terra:other")
    people.take_in(people.consent("ben", "strava", ("read",)), source=other)
    hands.send(people.the("Ben"), now=timezone.now())
    found = body(read("ben", key_for(READ, sources=(other,))))
    assert [one["provider"] for one in found["connections"]] == ["strava"]
    assert found["links"] == []


def test_the_access_log_names_the_key(cast: Source) -> None:
    key = key_for(READ, name="shop")
    for _ in range(2):
        read("ben", key)
    entry = TrailEntry.objects.get(verb=access_log.PERSON)
    assert (entry.actor_name, entry.actor, entry.person) == ("API key shop", None, people.the("Ben"))


def test_a_reference_id_that_is_an_address_stands_in_the_body_only(cast: Source) -> None:
    flow.take_in_people([PersonKnown("gus@example.com")], people.NOW)
    key = key_for(READ)
    assert problem(call("GET", "people/gus@example.com", key)) == (422, "reference_id_in_address")
    assert problem(call("GET", "people/gus%40example.com", key)) == (422, "reference_id_in_address")
    found = call("POST", "people/lookup", key, {"reference_id": "gus@example.com", "language": "de"})
    assert (body(found)["reference_id"], body(found)["language"]) == ("gus@example.com", "de")
    assert found["Cache-Control"] == "no-store"


def test_what_has_not_changed_is_not_sent_again(cast: Source) -> None:
    key = key_for(READ)
    tag = read("ben", key)["ETag"]
    again = read("ben", key, tag=tag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    people.take_in(ConsentGiven("oura", "ben-oura", people.NOW, reference_id="ref-ben", scopes=people.EVERYTHING))
    changed = read("ben", key, tag=tag)
    assert body(changed)["connections"][0]["health"] == "ok"


def test_twelve_connections_cost_as_many_queries_as_one(cast: Source) -> None:
    slugs = [entry.slug for entry in default().providers.values() if entry.slug != "oura"][:12]
    key = key_for(READ)
    asked = []
    for name, connected in (("one", slugs[:1]), ("twelve", slugs)):
        flow.take_in_people([PersonKnown(f"ref-{name}")], people.NOW)
        people.take_in(*(people.consent(name, slug, ("daily",)) for slug in connected))
        for slug in connected:
            linked(people.the(name), slug)
        read(name, key)
        with CaptureQueriesContext(connection) as queries:
            found = body(read(name, key))
        assert len(found["connections"]) == len(connected)
        asked.append(len(queries))
    assert 0 < asked[0] == asked[1] <= 20
