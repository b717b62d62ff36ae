"""`export_person`, by reference id or address."""

from __future__ import annotations

import json

import pytest

from tests.management.output import output_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


def test_an_export_is_found_by_reference_id_or_address() -> None:
    by_reference, by_address = (json.loads(output_of("export_person", who)) for who in ("ref-ben", "ben@example.com"))
    assert by_reference["person"] == by_address["person"]
    assert [row["user_id"] for row in by_reference["connections"]] == ["ben-oura"]
