"""Least privilege: what is requested or granted and no feature needs, and drafts that ask for too much or too little.

Pure over policies and what the census counts. A scope is needed when a requirement of any plan names it, or something
that it implies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from scopes.catalogue.entries import Provider
from scopes.judge.rules import Policy


@dataclass(frozen=True, slots=True)
class Privilege:
    """What one integration asks for, or has been granted, beyond its needs.

    `unused` is requested and not needed; `insisted` too, but the provider lets nobody connect without it. `granted`
    counts connections by scope that is granted and not needed, the most first.
    """

    unused: tuple[str, ...]
    insisted: tuple[str, ...]
    granted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DraftWarning:
    """Something in a policy that its author should look at again, with the scopes that it is about."""

    code: str
    words: str
    scopes: tuple[str, ...]


def privilege(policy: Policy, provider: Provider, granted: Iterable[tuple[frozenset[str], int]]) -> Privilege:
    """`granted` are sets of scopes as reported, each with the number of its connections."""
    unused, insisted = beyond(policy, provider)
    held: Counter[str] = Counter()
    for reported, connections in granted:
        for scope in {provider.canonical(spelling) for spelling in reported}:
            if not _needed(scope, policy, provider):
                held[scope] += connections
    return Privilege(unused, insisted, tuple(sorted(held.items(), key=lambda counted: (-counted[1], counted[0]))))


def beyond(policy: Policy, provider: Provider) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Requested and needed by no feature: (what could be left out, what the provider insists on)."""
    asked = sorted({provider.canonical(scope) for scope in policy.requested})
    unneeded = [scope for scope in asked if not _needed(scope, policy, provider)]
    insisted = {scope.name for scope in provider.scopes if scope.mandatory}
    return (
        tuple(scope for scope in unneeded if scope not in insisted),
        tuple(scope for scope in unneeded if scope in insisted),
    )


def draft_warnings(policy: Policy, provider: Provider) -> list[DraftWarning]:
    """What the author of `policy` should look at again before it is published."""
    found = []
    unused, _ = beyond(policy, provider)
    if unused:
        found.append(DraftWarning("unneeded", "It requests more than any feature needs:", unused))
    insisted = tuple(scope.name for scope in provider.scopes if scope.mandatory and scope.name not in policy.asks_for)
    if insisted and policy.requested:
        words = f"It does not request what {provider.name} insists on, so nobody could connect:"
        found.append(DraftWarning("mandatory", words, insisted))
    never: list[str] = []
    refused: list[str] = []
    for requirement in policy.requirements:
        asked = [scope for scope in requirement.any_of if provider.canonical(scope) in policy.asks_for]
        if not asked:
            never += requirement.any_of
        elif policy.may_ask_for is not None and not _approved(asked, policy, provider):
            refused += asked
    if never:
        words = "Features need what it does not request, so no link can mend it:"
        found.append(DraftWarning("not_requested", words, tuple(dict.fromkeys(never))))
    if refused:
        words = "Features need what the provider has not approved:"
        found.append(DraftWarning("needs_unapproved", words, tuple(dict.fromkeys(refused))))
    if policy.may_ask_for is not None:
        unapproved = {provider.canonical(scope) for scope in policy.requested} - policy.may_ask_for - set(refused)
        if unapproved:
            words = "It requests what the provider has not approved:"
            found.append(DraftWarning("requests_unapproved", words, tuple(sorted(unapproved))))
    return found


def _needed(scope: str, policy: Policy, provider: Provider) -> bool:
    needs = {provider.canonical(name) for requirement in policy.requirements for name in requirement.any_of}
    return not needs.isdisjoint(_gives(scope, provider))


def _gives(scope: str, provider: Provider) -> frozenset[str]:
    """The scope, what it implies, and what it replaced: whoever needs one of these is served by it."""
    given = provider.held(frozenset({scope}))
    replaced = {old.name for old in provider.scopes if old.successor and provider.canonical(old.successor) in given}
    return given | replaced


def _approved(scopes: Iterable[str], policy: Policy, provider: Provider) -> bool:
    approved = policy.may_ask_for
    return approved is None or any(provider.canonical(scope) in approved for scope in scopes)
