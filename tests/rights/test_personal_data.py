"""Whose data a reference id or an address leads to."""

from __future__ import annotations

import pytest

from scopes import flow
from scopes.facts import PersonKnown
from scopes.rights.personal_data import Ambiguous, personal_data_of, reference_of
from tests.rights.lives import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


def test_an_unknown_or_empty_reference_id_has_no_data() -> None:
    assert personal_data_of("ref-nobody").is_empty
    assert personal_data_of("").is_empty


def test_a_person_is_found_by_reference_id_or_address_and_an_ambiguous_address_is_refused() -> None:
    assert reference_of(" BEN@example.com ") == reference_of("ref-ben") == "ref-ben"
    flow.take_in_people([PersonKnown("ref-twin", "ben@example.com")], NOW)
    with pytest.raises(Ambiguous, match=r"^2 people have this e-mail address"):
        reference_of("ben@example.com")
