"""The text for an engineer: what to change and where, how many it concerns, and nobody's name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scopes.catalogue import default
from scopes.catalogue.entries import Provider, Scope
from scopes.facts import LinkChanged, LinkState, OriginKind
from scopes.judge import census, lookup
from scopes.judge.escalation import Affected, Escalation, Where, escalations, wanted
from scopes.judge.explain import Explanation, explain
from scopes.judge.history import PeriodFacts, PublishedPolicy
from scopes.judge.person import overviews_of
from scopes.judge.rules import Policy, Requirement, StandingFacts, judge
from tests import cast as people

OURA = default().provider("oura")
REQUIRED = (Requirement("Recovery", ("heartrate",)),)
AFFECTED = Affected({"heartrate=never_requested": 1234, "heartrate=not_approved": 1, "user_limit": 7}, people.NOW)


def account(
    requested: set[str], provider: Provider = OURA, link: LinkState = LinkState.ACTIVE, **policy: Any
) -> Explanation:
    wanted_policy = Policy(provider, frozenset(requested), **({"requirements": REQUIRED} | policy))
    standing = StandingFacts(1, link, frozenset({"daily"}))
    period = PeriodFacts(standing, people.CONSENTED, None, OriginKind.WEBHOOK, "7")
    version = PublishedPolicy(1, 3, wanted_policy, people.SCREEN_SINCE, people.SCREEN_SINCE)
    return explain(judge(standing, wanted_policy), [period], [version], provider, people.CONSENTED)


def escalated(of: Explanation, provider: Provider = OURA, environment: str = "prod") -> list[Escalation]:
    kind, name = ("terra", environment) if environment else ("host", "app")
    texts = escalations(of, Where(12, kind, name, provider), AFFECTED)
    assert wanted(of) is bool(texts)
    return list(texts)


def test_what_we_do_not_request_is_changed_at_terra() -> None:
    (one,) = escalated(account({"daily"}))

    assert (one.code, one.title) == ("never_requested", "Oura: never requested, scope heartrate")
    for saying in (
        "Integration: Oura through terra:prod",
        "Scope: heartrate (Heart rate), required for Recovery.",
        "In Terra's dashboard, environment prod: in the connection settings of Oura",
        "Affected: 1,234 connections of this integration (counted 20 Nov 2026, 06:00 UTC).",
        "Seen on connection 12 of the scope desk:",
        "- Missing on this connection since 1 Mar 2026.",
        "- Policy 3, published on 1 Jan 2026, does not request it.",
    ):
        assert saying in one.text


def test_a_source_that_is_not_terra_is_changed_in_the_host_application() -> None:
    (one,) = escalated(account({"daily"}), environment="")
    assert "In the host application, add heartrate to what is requested from Oura." in one.text


def test_what_is_not_approved_is_changed_in_the_providers_console() -> None:
    (one,) = escalated(account({"daily", "heartrate"}, approved=frozenset({"daily"})))
    assert one.code == "not_approved"
    assert "In Oura's developer console, have heartrate approved for our client." in one.text
    assert "Affected: 1 connection of this" in one.text


def test_what_was_replaced_is_asked_for_by_its_new_name() -> None:
    provider = Provider("oura", "Oura", scopes=(Scope("heartrate", successor="heart"), Scope("heart")))
    (one,) = escalated(account({"heartrate"}, provider), provider)
    assert one.code == "renamed" and "enable the data types that ask for heart (" in one.text


def test_a_limit_of_users_is_raised() -> None:
    texts = escalated(account({"daily", "heartrate"}, link=LinkState.USER_LIMIT))
    assert [one.code for one in texts] == ["user_limit"]
    assert "Ask for more users of Oura" in texts[0].text and "Affected: 7 connections" in texts[0].text


def test_what_the_person_can_fix_is_not_escalated() -> None:
    assert escalated(account({"daily", "heartrate"})) == []


def test_without_a_census_the_number_is_not_known() -> None:
    (one,) = escalations(account({"daily"}), Where(12, "terra", "prod", OURA), Affected({}, None))
    assert "Affected: An unknown number of connections of this integration (not counted yet)." in one.text


@pytest.mark.usefixtures("cast")
def test_the_numbers_are_census_times_verdict() -> None:
    people.policy_for("oura", {**people.OURA_POLICY, "requested": ["email", "daily", "workout"]})
    people.take_in(
        people.consent("gus", "oura", ("email", "daily")),
        LinkChanged("oura", "finn-oura", LinkState.USER_LIMIT, people.NOW + timedelta(days=1)),
    )
    census.take(people.NOW)

    integration = people.integration_of("oura").pk
    counted = lookup.affected([integration])[integration]

    assert (counted["heartrate=never_requested"], counted["user_limit"], counted["revoked"]) == (2, 1, 1)
    (entry,) = overviews_of([people.connection_of("ben")])
    assert wanted(entry.explanation)
