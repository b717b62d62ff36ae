"""One connection explained: since when, on what evidence, in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scopes import flow
from scopes.facts import ConnectionSeen, LinkChanged, LinkState
from scopes.reasons import Health, Helps
from tests import cast as people
from tests.judge.explanations import WITHOUT_HEART, explained

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("cast")
def test_ada_has_all() -> None:
    account = explained("ada")

    assert (account.health, account.helps) == (Health.OK, Helps.NOT_NEEDED)
    assert account.sentences == ("All needed permissions are granted.",)
    assert account.failing == ()
    assert "Coaching" in account.working, "Ada's plan needs it, and she has it"


@pytest.mark.usefixtures("cast")
def test_cy_revoked_and_nothing_works() -> None:
    account = explained("cy")

    assert (account.health, account.link_reason, account.helps) == (Health.BROKEN, "revoked", Helps.YES)
    assert account.since == people.CONSENTED + timedelta(days=30)
    assert account.link_evidence == ("Since 31 Mar 2026, reported by a webhook on 31 Mar 2026.",)
    assert account.working == ()


@pytest.mark.usefixtures("cast")
def test_dee_is_unknown_and_is_not_asked_for_anything() -> None:
    account = explained("dee", "apple_health")

    assert (account.health, account.link_reason, account.helps) == (Health.UNKNOWN, "phone_permission", Helps.NO)


def test_a_policy_that_began_to_ask_later_is_not_the_persons_refusal() -> None:
    before = {**people.OURA_POLICY, "requested": list(WITHOUT_HEART), "requirements": []}
    people.policy_for("oura", before, now=people.SCREEN_SINCE)
    flow.take_in_people(people.PEOPLE, people.NOW)
    people.take_in(people.consent("ben", "oura", WITHOUT_HEART))
    raised = datetime(2026, 6, 1, tzinfo=UTC)
    people.policy_for("oura", people.OURA_POLICY, now=raised)

    account = explained("ben")
    (missing,) = [line for line in account.lines if line.held is False]

    assert (missing.reason, missing.helps) == ("requirement_raised", True)
    assert account.since == raised, "the verdict changed with the policy, not with the connection"
    assert missing.evidence[0] == (
        "Consent was given on 1 Mar 2026 under policy 2, which did not ask for it."
        " It has been requested since 1 Jun 2026."
    )


@pytest.mark.usefixtures("cast")
def test_a_token_that_was_rejected_and_works_again_has_no_reason_left() -> None:
    at = people.CONSENTED + timedelta(days=5)
    people.take_in(LinkChanged("oura", "ada-oura", LinkState.TOKEN_REJECTED, at))
    assert explained("ada").link_reason == "token_rejected"

    people.take_in(
        ConnectionSeen("oura", "ada-oura", at + timedelta(days=3), last_data_on=(at + timedelta(days=2)).date())
    )

    assert (explained("ada").link_reason, explained("ada").health) == ("", Health.OK)
