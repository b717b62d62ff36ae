"""What holds of every judgement, whatever the standing and the policy."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scopes.catalogue.entries import Known, Provider, Scope
from scopes.catalogue.scope_strings import read
from scopes.facts import LinkState
from scopes.judge.rules import (
    OPTIONAL,
    RECOMMENDED,
    REQUIRED,
    Policy,
    Requirement,
    StandingFacts,
    judge,
    need_key,
)
from scopes.judge.standing import digest_of
from scopes.reasons import REMEDIES, Health, Helps

SCOPES = (
    Scope("sleep", aliases=("ext:sleep", "SLEEP=READ")),
    Scope("heart"),
    Scope("write", implies=("read_all",)),
    Scope("read_all", implies=("read",)),
    Scope("read"),
    Scope("old", successor="new"),
    Scope("new"),
)
CANONICAL = [scope.name for scope in SCOPES]
SPELLINGS = [*CANONICAL, "ext:sleep", "SLEEP=READ", "stranger"]
WORSE = [Health.OK, Health.REDUCED, Health.BLOCKED, Health.BROKEN]

sets = st.frozensets(st.sampled_from(SPELLINGS))
any_ofs = st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=3, unique=True).map(tuple)
requirements = st.builds(
    Requirement,
    feature=st.sampled_from(["sleep score", "recovery", "training"]),
    any_of=any_ofs,
    level=st.sampled_from([REQUIRED, RECOMMENDED]),
    plans=st.sampled_from([(), (), ("pro",)]),
)
providers = st.builds(Provider, st.just("ring"), st.just("Ring"), st.just(SCOPES), on_device=st.booleans())
policies = st.builds(
    Policy,
    provider=providers,
    requested=sets,
    approved=st.none() | sets,
    requirements=st.lists(requirements, max_size=5).map(tuple),
    retired=st.integers(0, 9).map(lambda drawn: drawn == 0),
)
standings = st.builds(
    StandingFacts,
    integration=st.integers(1, 3),
    link=st.just(LinkState.ACTIVE) | st.sampled_from(LinkState),
    reported=st.none() | sets,
    earlier=sets,
    consent_version=st.none() | st.integers(1, 3),
    waived=st.frozensets(any_ofs.map(need_key), max_size=2),
    plan=st.sampled_from(["", "free", "pro"]),
    unlisted=st.booleans(),
)
consents = st.none() | sets


def rank(health: Health) -> int:
    return WORSE.index(health)


@given(standings, policies, consents)
def test_what_is_held_or_implied_is_never_missing(
    standing: StandingFacts, policy: Policy, consented: frozenset[str] | None
) -> None:
    held = policy.provider.held(standing.reported or frozenset())

    for line in judge(standing, policy, consented).lines:
        if held & set(line.scopes):
            assert (line.held, line.reason, line.remedy) == (True, "", "")


@given(
    standings,
    policies,
    st.lists(st.sampled_from(SPELLINGS), min_size=1, unique=True),
    st.randoms(),
    st.sampled_from([",", " ", ", ", ",,", "\n"]),
)
def test_neither_the_order_nor_the_separator_of_scopes_matters(
    standing: StandingFacts, policy: Policy, scopes: list[str], random: object, separator: str
) -> None:
    shuffled = sorted(scopes, key=lambda _: random.random())  # type: ignore[attr-defined]
    readings = [read(notation, reports=Known.YES) for notation in (scopes, separator.join(shuffled))]

    first, second = (standing._replace(reported=frozenset(scopes or ())) for scopes in readings)

    assert judge(first, policy) == judge(second, policy)
    assert digest_of(first) == digest_of(second)


@given(standings, policies, consents, st.sampled_from(SPELLINGS))
def test_one_scope_more_never_hurts(
    standing: StandingFacts, policy: Policy, consented: frozenset[str] | None, scope: str
) -> None:
    standing = standing._replace(reported=standing.reported or frozenset())
    richer = standing._replace(reported=(standing.reported or frozenset()) | {scope})

    before, after = judge(standing, policy, consented), judge(richer, policy, consented)

    assert rank(after.health) <= rank(before.health)
    held = {line.scopes for line in before.lines if line.held and line.need != OPTIONAL}
    assert held <= {line.scopes for line in after.lines if line.held and line.need != OPTIONAL}


@given(standings, policies, consents)
def test_without_reported_scopes_health_is_unknown_or_broken_and_nothing_is_missing(
    standing: StandingFacts, policy: Policy, consented: frozenset[str] | None
) -> None:
    judgement = judge(standing._replace(reported=None), policy, consented)

    assert judgement.health in (Health.UNKNOWN, Health.BROKEN)
    assert all(line.held is None for line in judgement.lines)
    assert judgement.health is Health.BROKEN or judgement.helps not in (Helps.YES, Helps.PARTLY)


@given(standings, policies, consents, requirements)
def test_one_requirement_more_never_makes_a_connection_healthier(
    standing: StandingFacts, policy: Policy, consented: frozenset[str] | None, requirement: Requirement
) -> None:
    before = judge(standing, policy, consented)
    after = judge(standing, replace(policy, requirements=(*policy.requirements, requirement)), consented)

    if before.health is Health.UNKNOWN:
        assert after.health is Health.UNKNOWN
    else:
        assert rank(after.health) >= rank(before.health)


@given(standings, policies, consents)
def test_a_reauth_is_the_remedy_exactly_where_it_helps(
    standing: StandingFacts, policy: Policy, consented: frozenset[str] | None
) -> None:
    judgement = judge(standing, policy, consented)
    missing = [line for line in judgement.lines if line.held is False and line.reason != "waived"]
    fixed = [line for line in missing if REMEDIES[line.remedy].by_reauth]
    if judgement.health is Health.BROKEN:
        first = REMEDIES[judgement.link_remedy].by_reauth
    else:
        first = bool(fixed) and not judgement.link_reason

    assert (judgement.helps in (Helps.YES, Helps.PARTLY)) == first
    assert (judgement.helps is Helps.YES) == (first and fixed == missing)


JUDGE_MANY = """
import django
django.setup()
from scopes.catalogue.entries import Provider
from scopes.judge.rules import Policy, Requirement, StandingFacts, judge
from scopes.judge.standing import digest_of
names = [f"scope {number}" for number in range(30)]
standing = StandingFacts(1, reported=frozenset(names[:20]), earlier=frozenset(names[20:]))
policy = Policy(Provider("ring", "Ring"), frozenset(names), None, (Requirement("all", tuple(names[25:])),))
print(judge(standing, policy), digest_of(standing))
"""


def test_every_process_judges_the_same_facts_the_same() -> None:
    readings = {
        subprocess.run(
            [sys.executable, "-c", JUDGE_MANY],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(readings) == 1


@given(standings, standings)
def test_a_digest_is_equal_for_equal_facts_and_different_for_different_ones(
    one: StandingFacts, other: StandingFacts
) -> None:
    assert (digest_of(one) == digest_of(other)) == (one == other)


@given(standings, st.data())
def test_every_fact_of_a_standing_counts_in_its_digest(standing: StandingFacts, data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from(["integration", "link", "reported", "earlier", "consent_version", "waived", "plan", "unlisted"])
    )
    other = data.draw(standings.filter(lambda drawn: getattr(drawn, name) != getattr(standing, name)))

    assert digest_of(standing._replace(**{name: getattr(other, name)})) != digest_of(standing)
