"""A connection reported for two people, and reference ids that differ only in case, are described to both."""

from __future__ import annotations

import pytest

from scopes import flow
from scopes.facts import ConsentGiven, PersonKnown
from scopes.judge import reference_conflicts
from scopes.models import Person, ReferenceConflict
from tests.cast import NOW, connection_of, consent, take_in, the

pytestmark = pytest.mark.usefixtures("cast")


def report_ada_s_connection_for(reference_id: str) -> None:
    take_in(ConsentGiven("oura", "ada-oura", NOW, reference_id=reference_id))


def test_a_connection_and_the_other_person_know_of_each_other() -> None:
    report_ada_s_connection_for("ref-ben")
    ada = connection_of("Ada")

    ((pk, (conflict,)),) = reference_conflicts.of_connections([ada.pk, connection_of("Ben").pk]).items()

    assert (pk, conflict.connection, conflict.other) == (ada.pk, ada, the("Ben"))
    assert conflict.sentence == (
        "Terra also reported this connection for `ref-ben`, first on 20 Nov 2026."
        " It stays with `ref-ada`, reported first."
    )
    assert reference_conflicts.of_references(["ref-ben", ""]) == [conflict]
    assert conflict.sentence_of_other.startswith(
        "Terra also reported a connection of `ref-ada` for `ref-ben`: Oura, `ada-oura`, first on 20 Nov 2026."
    )


def test_another_person_may_be_unknown() -> None:
    report_ada_s_connection_for("ref-hal")

    (conflict,) = reference_conflicts.of_references(["ref-hal"])

    assert conflict.other is None


def test_a_dismissed_conflict_is_no_longer_shown() -> None:
    report_ada_s_connection_for("ref-ben")
    ReferenceConflict.objects.update(ended_at=NOW, author="rex", reason="She changed her account with us.")

    assert reference_conflicts.of_connections([connection_of("Ada").pk]) == {}
    assert reference_conflicts.of_references(["ref-ben"]) == []


def test_ids_that_differ_only_in_case_are_found_among_people_and_unclaimed_connections() -> None:
    flow.take_in_people([PersonKnown("REF-ADA")], NOW)
    take_in(consent("Ada", "whoop", ()))

    person, unclaimed = reference_conflicts.in_other_case("ref-ada")

    shouted = Person.objects.get(reference_id="REF-ADA")
    assert (person.other_id, person.person, person.connection) == ("REF-ADA", shouted, None)
    assert (unclaimed.other_id, unclaimed.person) == ("ref-Ada", None)
    assert unclaimed.connection is not None and unclaimed.connection.user_id == "Ada-whoop"
    assert unclaimed.sentence == "`ref-ada` and `ref-Ada` differ only in case."
    assert reference_conflicts.in_other_case("ref-ben") == reference_conflicts.in_other_case("") == []
