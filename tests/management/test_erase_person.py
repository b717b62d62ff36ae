"""`erase_person` shows first what is stored, and erases on request."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from scopes.models import Person, TrailEntry
from tests.management.output import output_of
from tests.rights.lives import places

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


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
