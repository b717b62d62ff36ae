"""A cursor leads back to its row, in the list that gave it and in no other."""

from __future__ import annotations

import pytest

from scopes.api.cursors import cursor_of, read_cursor
from scopes.api.problems import Problem


@pytest.mark.parametrize("pk", [1, 10**17])
def test_it_leads_to_its_row(pk: int) -> None:
    assert read_cursor("c", cursor_of("c", pk)) == pk


@pytest.mark.parametrize("cursor", ["", "x", "é", "Yw", cursor_of("e", 7), cursor_of("c", 10**18), cursor_of("c", -1)])
def test_any_other_is_refused(cursor: str) -> None:
    with pytest.raises(Problem, match="cursor_unknown"):
        read_cursor("c", cursor)
