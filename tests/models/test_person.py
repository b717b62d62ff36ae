"""People, waivers and marks: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Person, Source
from tests.cast import NOW
from tests.models.rows import dont_contact, refuses, twice, waiver

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "person_has_a_reference_id": lambda: Person.objects.create(reference_id="", created_at=NOW),
    "person_email_is_lower_case": lambda: Person.objects.create(reference_id="x", email="X@y.example", created_at=NOW),
    "one_open_waiver_per_need": lambda: twice(waiver),
    "waiver_says_what_and_why": lambda: waiver(reason=""),
    "one_dont_contact_mark_per_person": lambda: twice(dont_contact),
    "dont_contact_says_why": lambda: dont_contact(reason=""),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


@pytest.mark.parametrize(
    "allowed",
    [
        lambda: (waiver(ended_at=NOW), waiver(), waiver(need="daily")),
        lambda: (dont_contact(lifted_at=NOW), dont_contact()),
    ],
    ids=["waivers", "marks"],
)
def test_the_database_allows_what_can_be(cast: Source, allowed: Callable[[], object]) -> None:
    allowed()
