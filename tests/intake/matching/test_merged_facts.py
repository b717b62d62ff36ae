"""The facts of two connections in one, and of each again once they are unmerged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scopes.facts import LinkState
from scopes.intake.matching.merged_facts import Facts, facts_now, joined, unmerged
from scopes.judge.rules import StandingFacts
from tests.cast import CONSENTED, EVERYTHING, NOW, connection_of

STANDING = StandingFacts(
    1, LinkState.REVOKED, frozenset({"daily"}), frozenset({"tag"}), 7, frozenset({"heartrate"}), "pro", unlisted=True
)
OLD = Facts(STANDING, CONSENTED, CONSENTED, CONSENTED, "a ring")
NEW = Facts(StandingFacts(1, reported=frozenset({"email"}), consent_version=8), NOW, NOW, NOW, "")


def test_both_continue_with_what_the_new_id_reported_and_with_the_waivers_and_plan_of_the_old_one() -> None:
    one = joined(OLD, NEW)

    assert one.standing == NEW.standing._replace(waived=frozenset({"heartrate"}), plan="pro")
    assert (one.consented_at, one.scopes_at, one.link_at, one.provider_user_id) == (NOW, NOW, NOW, "a ring")


def test_where_the_new_id_reported_no_scopes_those_of_the_old_one_stay() -> None:
    silent = replace(NEW, standing=StandingFacts(1))
    consented, unconsented = joined(OLD, silent), joined(OLD, replace(silent, consented_at=None))

    assert (consented.standing.reported, consented.standing.unlisted) == (frozenset({"daily"}), True)
    assert (consented.scopes_at, consented.standing.earlier) == (CONSENTED, frozenset())
    assert (unconsented.standing.earlier, unconsented.standing.consent_version) == (frozenset({"tag"}), 7)
    assert unconsented.consented_at == CONSENTED


def test_unmerged_at_once_the_new_id_has_its_own_facts_again() -> None:
    one = joined(OLD, NEW)

    assert unmerged(NEW, OLD, one.standing, one) == NEW


def test_what_was_reported_since_the_merge_belongs_to_the_new_id() -> None:
    one = joined(OLD, NEW)
    since = replace(
        one,
        standing=one.standing._replace(reported=frozenset({"spo2"}), link=LinkState.GONE),
        provider_user_id="another ring",
    )

    after = unmerged(NEW, OLD, one.standing, since)

    assert after.standing == NEW.standing._replace(reported=frozenset({"spo2"}), link=LinkState.GONE)
    assert after.provider_user_id == "another ring"


@pytest.mark.usefixtures("cast")
def test_the_facts_of_a_connection_are_those_of_its_row_and_standing() -> None:
    cy = connection_of("Cy")

    facts = facts_now(cy)

    assert (facts.standing.link, facts.standing.reported) == (LinkState.REVOKED, frozenset(EVERYTHING))
    assert (facts.consented_at, facts.link_at) == (CONSENTED, cy.link_at)
