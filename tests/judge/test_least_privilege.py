"""Least privilege: what is asked for or granted beyond the needs, and drafts that should be looked at again."""

from __future__ import annotations

from scopes.catalogue.entries import Provider, Scope
from scopes.judge.least_privilege import draft_warnings, privilege
from scopes.judge.rules import RECOMMENDED, Policy, Requirement

RING = Provider(
    slug="ring",
    name="Ring",
    scopes=(
        Scope("email", mandatory=True),
        Scope("sleep", aliases=("SLEEP",)),
        Scope("everything", implies=("sleep", "pulse")),
        Scope("pulse"),
        Scope("steps", successor="moves"),
        Scope("moves"),
        Scope("tags"),
    ),
)
NEEDS_SLEEP = Requirement("sleep score", ("sleep",))


def codes(policy: Policy) -> dict[str, tuple[str, ...]]:
    return {one.code: one.scopes for one in draft_warnings(policy, RING)}


def test_unused_scopes_are_separate_from_those_the_provider_insists_on() -> None:
    unneeded = privilege(Policy(RING, frozenset({"email", "SLEEP", "tags"}), None, (NEEDS_SLEEP,)), RING, [])
    assert (unneeded.unused, unneeded.insisted, unneeded.granted) == (("tags",), ("email",), ())


def test_a_scope_of_another_plan_or_an_alternative_is_needed() -> None:
    needs = (
        Requirement("sleep score", ("pulse", "sleep"), RECOMMENDED),
        Requirement("notes", ("tags",), plans=("pro",)),
    )
    assert privilege(Policy(RING, frozenset({"sleep", "tags"}), None, needs), RING, []).unused == ()


def test_a_scope_is_needed_for_what_it_implies_and_for_what_it_replaced() -> None:
    policy = Policy(RING, frozenset({"everything", "moves"}), None, (NEEDS_SLEEP, Requirement("walks", ("steps",))))
    assert privilege(policy, RING, []).unused == ()


def test_what_was_granted_and_is_not_needed_is_counted_once_a_connection() -> None:
    granted = [
        (frozenset({"sleep", "SLEEP", "tags"}), 40),
        (frozenset({"tags", "from the future"}), 2),
        (frozenset({"sleep"}), 500),
    ]
    unneeded = privilege(Policy(RING, frozenset({"sleep"}), None, (NEEDS_SLEEP,)), RING, granted)
    assert unneeded.granted == (("tags", 42), ("from the future", 2))


def test_a_good_draft_has_no_warnings() -> None:
    assert codes(Policy(RING, frozenset({"email", "sleep"}), frozenset({"email", "sleep"}), (NEEDS_SLEEP,))) == {}
    assert codes(Policy(RING)) == {}


def test_a_draft_that_requests_too_much_or_too_little_has_warnings() -> None:
    needs = (NEEDS_SLEEP, Requirement("recovery", ("pulse",)), Requirement("walks", ("moves", "tags")))
    policy = Policy(RING, frozenset({"sleep", "moves", "steps"}), frozenset({"moves", "pulse"}), needs)
    assert codes(policy) == {
        "unneeded": ("steps",),
        "mandatory": ("email",),
        "not_requested": ("pulse",),
        "needs_unapproved": ("sleep",),
        "requests_unapproved": ("steps",),
    }
