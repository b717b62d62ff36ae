"""Which tables have anything about some connections."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.judge.side_records import EXPLAINED, ON_CARDS, recorded
from scopes.models import Connection, FormerId, Source
from tests import cast as people
from tests.models import rows

ALL = EXPLAINED | ON_CARDS


def former_id() -> None:
    ben = people.connection_of("Ben")
    FormerId.objects.create(connection=ben, integration=ben.integration, user_id="old", replaced_at=people.NOW)


@pytest.mark.parametrize(
    ("table", "make", "name"),
    [
        ("refusal", rows.refusal, "Ben"),
        ("error", rows.reported_error, "Ben"),
        ("conflict", rows.other_reference, "Ada"),
        ("suspicion", rows.suspicion, "Ben"),
        ("former", former_id, "Ben"),
        ("waiver", rows.waiver, "Ben"),
        ("merge", rows.merge, "Ada"),
        ("duplicate", rows.suspected, "Ben"),
        ("quarantined", rows.held, "Ada"),
    ],
)
def test_a_table_is_named_once_it_has_something(
    cast: Source, table: str, make: Callable[[], object], name: str
) -> None:
    connections = [people.connection_of("Ada").pk, people.connection_of("Ben").pk]
    assert recorded(ALL, connections) == frozenset()
    make()
    assert recorded(ALL, connections) == {table}
    assert table in recorded(ALL, [people.connection_of(name).pk])
    assert recorded(ALL, [people.connection_of("Dee", "apple_health").pk]) == frozenset()
    assert recorded(ALL, []) == frozenset()


def test_what_is_about_a_connection_that_was_merged_counts_for_the_one_that_continues_it(cast: Source) -> None:
    ben, ada = people.connection_of("Ben"), people.connection_of("Ada")
    rows.refusal()
    Connection.objects.filter(pk=ben.pk).update(merged_into=ada.pk)
    assert recorded(ALL, [ada.pk]) == {"refusal"}


def test_what_has_ended_does_not_count(cast: Source) -> None:
    rows.waiver(ended_at=people.NOW)
    assert recorded(ALL, [people.connection_of("Ben").pk]) == frozenset()
