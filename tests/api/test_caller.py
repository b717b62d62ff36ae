"""A person is seen by a key only through its own sources."""

from __future__ import annotations

import pytest

from scopes import flow
from scopes.api.caller import act_of, person_of
from scopes.api.problems import Problem
from scopes.facts import PersonKnown
from scopes.models import ApiKey, Source
from tests import cast as people
from tests.api.calls import key_for


def key(*sources: Source) -> ApiKey:
    key_for(sources=sources)
    return ApiKey.objects.latest("pk")


def test_a_key_without_sources_sees_everybody_and_no_other(cast: Source) -> None:
    assert person_of(key(), "ref-ben") == people.the("Ben")
    for unknown in ("ref-unknown", "REF-BEN", ""):
        with pytest.raises(Problem, match="person_not_found"):
            person_of(key(), unknown)


def test_who_is_connected_elsewhere_only_is_unknown(cast: Source) -> None:
    other = people.terra("terra:other")
    people.take_in(people.consent("ada", "strava", ("read",)), source=other)
    assert person_of(key(other), "ref-ada") == people.the("Ada")
    with pytest.raises(Problem, match="person_not_found"):
        person_of(key(other), "ref-ben")


def test_who_is_connected_nowhere_is_known_to_every_key(cast: Source) -> None:
    flow.take_in_people([PersonKnown("ref-gus")], people.NOW)
    assert person_of(key(cast), "ref-gus").reference_id == "ref-gus"


def test_the_log_names_the_key(cast: Source) -> None:
    assert (act_of(key(), "Why").author, act_of(key()).name) == (None, "API key app")
