"""What holds of every judgement, whatever the standing and the policy."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scopes.catalogue.entries import Known
from scopes.catalogue.scope_strings import read
from scopes.judge.rules import OPTIONAL, Policy, Requirement, StandingFacts, judge
from scopes.judge.standing import digest_of
from scopes.reasons import REMEDIES, Health, Helps
from tests.judge.strategies import SPELLINGS, consents, policies, requirements, standings

WORSE = [Health.OK, Health.REDUCED, Health.BLOCKED, Health.BROKEN]


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
    judgement = judge(standing._replace(reported=None, moved=False), policy, consented)

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
