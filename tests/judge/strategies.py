"""Any standing, any policy and any consent, spelled in any way."""

from __future__ import annotations

from hypothesis import strategies as st

from scopes.catalogue.entries import Provider, Scope
from scopes.facts import LinkState
from scopes.judge.rules import RECOMMENDED, REQUIRED, Policy, Requirement, StandingFacts, need_key

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
    moved=st.integers(0, 9).map(lambda drawn: drawn == 0),
)

consents = st.none() | sets
