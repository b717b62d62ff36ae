"""Merges, suspected duplicates and link events: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.models import Merge, Source
from tests.cast import NOW, connection_of
from tests.models.rows import LATER, is_written_once, link_event, merge, refuses, suspected, twice

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "one_open_merge_per_connection": lambda: twice(merge),
    "merge_joins_two": lambda: merge(survivor=connection_of("Ben")),
    "agent_merges_by_name_and_says_why": lambda: merge(why="agent", author="Rex"),
    "merge_is_undone_by_somebody_and_why": lambda: merge(unmerged_at=LATER, unmerged_by="Rex"),
    "suspected_once_per_pair": lambda: twice(suspected),
    "suspected_in_the_order_of_recording": lambda: suspected(
        first=connection_of("Finn"), second=connection_of("Ada")
    ),
    "suspected_is_open_or_ended": lambda: suspected(ended_at=NOW),
    "marked_distinct_by_somebody_and_why": lambda: suspected(state="distinct", ended_at=NOW, author="Rex"),
    "link_event_once": lambda: (link_event(), link_event()),
    "link_event_newest": lambda: (link_event(what="seen"), link_event(what="seen", happened_at=LATER)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


def test_the_database_allows_what_can_be(cast: Source) -> None:
    merge(unmerged_at=LATER, unmerged_by="Rex", unmerged_reason="Two.")
    merge()


CHANGED: dict[str, Callable[[], object]] = {
    "ids of a merge": lambda: (merge(), Merge.objects.update(absorbed_user_id="other")),
    "a merge that was parted": lambda: (
        merge(unmerged_at=LATER, unmerged_by="Rex", unmerged_reason="Two."),
        Merge.objects.update(unmerged_at=None, unmerged_by="", unmerged_reason=""),
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_written_once_stays_as_it_was_written(cast: Source, what: str) -> None:
    is_written_once(CHANGED[what])
