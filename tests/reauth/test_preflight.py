"""Will a link help, and if not, who can fix it: one line a case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scopes.catalogue import default
from scopes.catalogue.entries import Provider
from scopes.facts import LinkState
from scopes.judge.rules import RECOMMENDED, Policy, Requirement, StandingFacts, judge
from scopes.reasons import Helps
from scopes.reauth.preflight import Case, Preflight, decide

OURA, APPLE, FITBIT = (default().provider(slug) for slug in ("oura", "apple_health", "fitbit"))
GOOGLE_HEALTH = default().provider("google_health")
REQUESTED = frozenset({"email", "daily", "heartrate", "workout"})
POLICY = Policy(
    provider=OURA,
    requested=REQUESTED,
    requirements=(
        Requirement("sleep", ("daily",)),
        Requirement("recovery", ("heartrate",)),
        Requirement("training", ("workout",), RECOMMENDED),
    ),
)
WITHOUT_HEARTRATE = REQUESTED - {"heartrate"}


def case(
    provider: Provider = OURA,
    policy: Policy = POLICY,
    *,
    connected: bool = True,
    reported: frozenset[str] | None = WITHOUT_HEARTRATE,
    link: LinkState = LinkState.ACTIVE,
    waived: frozenset[str] = frozenset(),
    reference_id: str = "ref-ben",
    **more: Any,
) -> Case:
    standing = StandingFacts(integration=1, link=link, reported=reported, waived=waived, consent_version=1)
    judgement = judge(standing, policy, policy.requested) if connected else None
    about: dict[str, Any] = {
        "provider": provider,
        "policy": policy,
        "judgement": judgement,
        "reference_id": reference_id,
    }
    return Case(**about, most_links=3, **more)


def refused(answer: Preflight) -> list[tuple[str, str]]:
    return [(obstacle.code, obstacle.who) for obstacle in answer.obstacles]


LESS_REQUESTED = replace(POLICY, requested=frozenset({"email", "daily"}))
NOT_APPROVED = replace(POLICY, approved=frozenset({"email", "daily", "workout"}))
ON_PHONE = Policy(provider=APPLE)
REFUSALS = [
    ("nobody claimed it", case(reference_id=""), ("unclaimed", "engineer"), False),
    ("the source gives out no links", case(gives_links=False), ("no_links", "engineer"), False),
    ("the phone decides", case(APPLE, ON_PHONE, reported=None), ("on_device", "person"), False),
    ("the phone, and nothing is connected", case(APPLE, ON_PHONE, connected=False), ("on_device", "person"), False),
    ("retired, no successor", case(FITBIT, retired=True), ("provider_retired", "nobody"), False),
    ("the person has moved already", case(GOOGLE_HEALTH, succeeds=FITBIT, moved=True), ("moved", "nobody"), False),
    ("we do not request it", case(policy=LESS_REQUESTED, reported=frozenset({"email", "daily", "workout"})),
     ("never_requested", "engineer"), True),
    ("the provider has not approved it", case(policy=NOT_APPROVED), ("not_approved", "engineer"), True),
    ("too many users", case(link=LinkState.USER_LIMIT), ("user_limit", "engineer"), True),
    ("the person declined, respected", case(waived=frozenset({"heartrate"})), ("waived", "nobody"), True),
    ("nothing is missing", case(reported=REQUESTED), ("not_needed", "nobody"), True),
    ("scopes are not reported", case(reported=None), ("not_reported", "support"), True),
    ("unconfirmed", case(link=LinkState.UNCONFIRMED), ("verify", "support"), True),
    ("they are not to be contacted", case(dont_contact=True), ("dont_contact", "lead"), True),
    ("three links were created within thirty days", case(recent_links=3), ("too_many_links", "support"), True),
    ("only an administrator can", case(needs_administrator=True), ("admin_consent_required", "support"), True),
    ("two links changed nothing", case(outcomes=("unchanged", "unchanged")), ("unchanged_twice", "support"), True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected", "overridable"), [line[1:] for line in REFUSALS], ids=[line[0] for line in REFUSALS]
)
def test_a_link_that_cannot_help_is_refused_with_who_can_fix_it(
    given: Case, expected: tuple[str, str], overridable: bool
) -> None:
    answer = decide(given)
    code = "verify" if expected[0] == "not_reported" else expected[0]
    assert refused(answer) == [(code, expected[1])]
    assert answer.overridable is overridable and not answer.allowed
    assert answer.obstacles[0].why and answer.obstacles[0].action


ALLOWED = [
    ("a required scope was left unticked", case(), ("heartrate",), Helps.YES),
    ("a recommended one as well", case(reported=frozenset({"email", "daily"})), ("heartrate", "workout"), Helps.YES),
    ("access was revoked", case(reported=REQUESTED, link=LinkState.REVOKED), ("*",), Helps.YES),
    ("the token is rejected and a scope missing", case(link=LinkState.TOKEN_REJECTED), ("*", "heartrate"), Helps.YES),
    ("it was never connected", case(connected=False), ("*", "daily", "heartrate", "workout"), Helps.YES),
    ("never connected, and one scope is not approved", case(policy=NOT_APPROVED, connected=False),
     ("*", "daily", "workout"), Helps.PARTLY),
    ("one of two cannot be granted", case(policy=NOT_APPROVED, reported=frozenset({"email", "daily"})),
     ("workout",), Helps.PARTLY),
    ("only the last link changed nothing", case(outcomes=("unchanged", "partly")), ("heartrate",), Helps.YES),
    ("the successor of a retired provider", case(GOOGLE_HEALTH, Policy(provider=GOOGLE_HEALTH), connected=False,
                                                 succeeds=FITBIT), ("*",), Helps.YES),
]  # fmt: skip


@pytest.mark.parametrize(("given", "keys", "helps"), [line[1:] for line in ALLOWED], ids=[line[0] for line in ALLOWED])
def test_a_link_that_helps_knows_what_it_is_to_fix(given: Case, keys: tuple[str, ...], helps: Helps) -> None:
    answer = decide(given)
    assert refused(answer) == []
    assert (answer.keys, answer.helps) == (keys, helps)


def test_what_stays_missing_is_named_with_who_can_fix_it() -> None:
    answer = decide(case(policy=NOT_APPROVED, reported=frozenset({"email", "daily"})))
    assert [(left.label, left.who) for left in answer.left_out] == [("Heart rate", "engineer")]
    assert any("fixes only a part" in warning for warning in answer.warnings)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (case(live=True), "An earlier link is still active"),
        (case(outcomes=("unchanged",)), "The last link changed nothing"),
        (
            case(GOOGLE_HEALTH, Policy(provider=GOOGLE_HEALTH), connected=False, succeeds=FITBIT),
            "Fitbit has shut down",
        ),
    ],
)
def test_what_the_agent_should_know_is_a_warning_and_no_obstacle(given: Case, words: str) -> None:
    answer = decide(given)
    assert answer.allowed
    assert any(words in warning for warning in answer.warnings)


@pytest.mark.parametrize(
    "given", [case(policy=NOT_APPROVED), case(waived=frozenset({"heartrate"}))], ids=["not approved", "waived"]
)
def test_a_link_that_a_lead_overrides_is_to_fix_all_that_is_missing(given: Case) -> None:
    answer = decide(given)
    assert (answer.keys, answer.left_out) == (("heartrate",), ())


def test_a_broken_connection_of_somebody_not_to_be_contacted_is_fixed_and_the_rest_is_named() -> None:
    answer = decide(case(policy=NOT_APPROVED, link=LinkState.REVOKED, dont_contact=True))
    assert refused(answer) == [("dont_contact", "lead")] and answer.overridable
    assert (answer.keys, [left.label for left in answer.left_out]) == (("*",), ["Heart rate"])


def test_an_obstacle_that_cannot_be_overridden_decides_for_all() -> None:
    answer = decide(case(reference_id="", outcomes=("unchanged", "unchanged")))
    assert [code for code, _ in refused(answer)] == ["unclaimed", "unchanged_twice"]
    assert not answer.overridable
