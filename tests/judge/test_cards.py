"""The cards of a person: what is missing, what works, in which order, and what only today's cards have."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes.facts import AttemptFailed, LinkChanged, LinkState
from scopes.judge.cards import cards, never_completed
from scopes.judge.person import overview_of
from tests import cast as people

pytestmark = pytest.mark.usefixtures("cast")


def test_a_card_parts_needs_into_missing_and_met_and_names_what_cannot_work() -> None:
    (card,) = cards(overview_of(people.the("Ben")).connections, people.NOW)

    assert [line.scopes for line in card.missing] == [("heartrate",)]
    assert card.met
    assert all(line.held for line in card.met)
    assert ("Recovery", "cross", "cannot work") in card.features
    assert [key for key, _ in card.waivable] == ["heartrate"]


def test_the_worst_connection_comes_first() -> None:
    people.take_in(
        people.consent("ada", "garmin", None),
        LinkChanged("garmin", "ada-garmin", LinkState.REVOKED, people.NOW),
    )

    shown = cards(overview_of(people.the("Ada")).connections, people.NOW)

    assert [card.entry.explanation.health.value for card in shown] == ["broken", "ok"]


def test_a_card_of_a_past_time_has_nothing_of_today() -> None:
    at = people.NOW - timedelta(days=1)

    (card,) = cards(overview_of(people.the("Ben"), at).connections, people.NOW, at)

    assert (card.evidence, card.waivers, card.waivable, card.merges, card.quarantined) == (None, (), (), (), None)


def test_many_cards_cost_the_queries_of_one() -> None:
    one = overview_of(people.the("Ada")).connections
    with CaptureQueriesContext(connection) as of_one:
        cards(one, people.NOW)
    people.take_in(*(people.consent("ada", provider, None) for provider in ("garmin", "strava", "whoop", "polar")))
    many = overview_of(people.the("Ada")).connections
    with CaptureQueriesContext(connection) as of_many:
        assert len(cards(many, people.NOW)) == 5

    assert len(of_many) <= len(of_one)


def test_a_provider_where_every_attempt_failed_is_shown_with_the_boxes_that_it_insists_on() -> None:
    people.take_in(
        AttemptFailed(people.NOW, "missing_scopes", "strava", "ref-ada"),
        AttemptFailed(people.NOW, "missing_scopes", "oura", "ref-ada"),
    )

    (never,) = never_completed(overview_of(people.the("Ada")))

    assert (never.provider.slug, never.results) == ("strava", (("missing_scopes", 1),))
    assert never.tick
