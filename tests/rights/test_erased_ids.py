"""Who was erased and is reported again is recognised, by a hash whose key is not in the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes import flow
from scopes.facts import ConsentGiven, PersonKnown
from scopes.models import Attempt, Connection, ErasedId, Person
from scopes.rights import erased_ids
from scopes.rights.erased_ids import ErasedBefore, keys_from
from tests import cast
from tests.rights.erasing import erased
from tests.rights.lives import NOW, live

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

KEYS = keys_from("a secret")
LATER = NOW + timedelta(days=2)


def test_a_person_who_returns_is_new_and_marked_as_previously_erased() -> None:
    live()
    old = cast.the("Ben").pk
    erased()
    assert erased_ids.mark(KEYS, NOW) == ErasedBefore()

    cast.take_in(cast.consent("ben", "oura", cast.EVERYTHING, LATER), now=LATER)
    row = Connection.objects.get(user_id="ben-oura")
    assert row.person is None and row.periods.count() == 1, "nobody's, and nothing from before"
    assert erased_ids.mark(KEYS, LATER) == ErasedBefore(people=0, connections=1)
    flow.take_in_people([PersonKnown("ref-ben", "ben@example.com", "Ben Bitdiddle")], LATER)
    assert erased_ids.mark(KEYS, LATER) == ErasedBefore(people=1, connections=0)

    ben = cast.the("Ben")
    row = Connection.objects.get(pk=row.pk)
    assert ben.pk != old and row.person == ben
    assert (ben.previously_erased_on, row.previously_erased_on) == (NOW.date(), NOW.date())
    assert not Attempt.objects.filter(person=ben).exists() and not ben.trail.exists()
    assert Person.objects.exclude(pk=ben.pk).filter(previously_erased_on__isnull=False).count() == 0


@pytest.mark.parametrize("user_id", ["ben-new", "ben-minted"])
def test_a_connection_comes_back_under_any_id_it_had_without_the_reference_id(user_id: str) -> None:
    live()
    erased()
    cast.take_in(ConsentGiven("oura", user_id, LATER), now=LATER)
    assert erased_ids.mark(KEYS, LATER).connections == 1


def test_erased_ids_are_not_recognised_without_the_secret() -> None:
    live()
    erased()
    assert ErasedId.objects.count() == 4
    assert erased_ids.erased_on("ref-ben", KEYS) == NOW.date()
    assert erased_ids.erased_on("ref-ben", keys_from("another")) is None
    assert erased_ids.erased_on("ref-ben", keys_from("another", "a secret")) == NOW.date(), "after a rotation"
    assert erased_ids.erased_on("ben-oura", KEYS) is None, "an id of another kind"
