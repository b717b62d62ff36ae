"""`export_person` and `erase_person`, as they are typed."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from scopes.models import Connection, Person, TrailEntry
from tests import cast as people
from tests.rights.lives import places

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


def output_of(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_an_export_is_found_by_reference_id_or_address() -> None:
    by_reference, by_address = (json.loads(output_of("export_person", who)) for who in ("ref-ben", "ben@example.com"))
    assert by_reference["person"] == by_address["person"]
    assert [row["user_id"] for row in by_reference["connections"]] == ["ben-oura"]


def test_an_unknown_person_cannot_be_exported_or_erased() -> None:
    for words in (("export_person", "who@example.com"), ("erase_person", "ref-who"), ("erase_person", "", "--apply")):
        with pytest.raises(CommandError) as refused:
            output_of(*words)
        assert "who" not in str(refused.value)


def test_an_erasure_previews_first_and_erases_on_request() -> None:
    found = output_of("erase_person", "ref-ben")
    assert found.startswith("person: 1, connections: 1, link events: 1, periods: 1, ")
    assert "Nothing was erased. Add --apply" in found
    assert Person.objects.filter(reference_id="ref-ben").exists()

    assert output_of("erase_person", "ref-ben", "--apply", "--reason", "By letter.").endswith("Erased.\n")

    assert places("ref-ben", "ben@example.com", "ben-oura") == set()
    assert TrailEntry.objects.get(verb="person.erased").reason == "By letter."
    for apply in ((), ("--apply",)):
        assert output_of("erase_person", "ref-ben", *apply).startswith(
            "Nothing is stored under this reference id. It was erased"
        )


def test_the_audit_reports_who_returned() -> None:
    output_of("erase_person", "ref-ben", "--apply")
    people.take_in(people.consent("ben", "oura", people.EVERYTHING))
    report = output_of("audit_connections", "--offline")
    assert "previously_erased: 1 person or connection was reported again after an erasure" in report
    assert Connection.objects.get(user_id="ben-oura").previously_erased_on is not None
    assert "previously_erased" not in output_of("audit_connections", "--offline"), "once"
