"""A diagnosis in words."""

from __future__ import annotations

from scopes.catalogue import default
from scopes.diagnose import render_text
from tests.diagnose.samples import said


def test_names_are_resolved_by_the_catalogue_and_kept_as_they_stand() -> None:
    diagnosis = said('{"body":"Missing scope: extapi:heartrate","provider":"oura"}')
    assert (diagnosis.scopes, diagnosis.canonical) == (("extapi:heartrate",), ("heartrate",))
    assert "extapi:heartrate (heartrate)" in render_text(diagnosis, default())
