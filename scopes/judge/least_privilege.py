"""Least privilege: scopes that are requested or granted although no feature needs them, and warnings about drafts.

Pure: works on policies and counts of the census. A scope is needed when a requirement of any plan names it or a scope
that it implies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from scopes.catalogue.entries import Provider
from scopes.judge.rules import Policy


@dataclass(frozen=True, slots=True)
class Privilege:
    """The scopes of one integration that no feature needs.

    `unused` and `insisted` are requested; the provider does not let anybody connect without the `insisted`. `granted`
    are (scope, number of connections) pairs, the most frequent first.
    """

    unused: tuple[str, ...]
    insisted: tuple[str, ...]
    granted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DraftWarning:
    """A warning about a draft, with the scopes that it is about."""

    code: str
    words: str
    scopes: tuple[str, ...]


def privilege(policy: Policy, provider: Provider, granted: Iterable[tuple[frozenset[str], int]]) -> Privilege:
    """The scopes that no feature needs. `granted` are (set of scopes as reported, number of connections) pairs."""
    unused, insisted = beyond(policy, provider)
    canonical = cache(provider.canonical)
    held: Counter[str] = Counter()
    for reported, connections in granted:
        for scope in {canonical(spelling) for spelling in reported}:
            held[scope] += connections
    unneeded = [counted for counted in held.items() if not _needed(counted[0], policy, provider)]
    return Privilege(unused, insisted, tuple(sorted(unneeded, key=lambda counted: (-counted[1], counted[0]))))


def beyond(policy: Policy, provider: Provider) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Requested scopes that no feature needs: (those that could be left out, those that the provider insists on)."""
    requested = sorted({provider.canonical(scope) for scope in policy.requested})
    unneeded = [scope for scope in requested if not _needed(scope, policy, provider)]
    insisted = {scope.name for scope in provider.scopes if scope.mandatory}
    return (
        tuple(scope for scope in unneeded if scope not in insisted),
        tuple(scope for scope in unneeded if scope in insisted),
    )


def draft_warnings(policy: Policy, provider: Provider) -> list[DraftWarning]:
    """What the author of `policy` should check before it is published."""
    found = []
    unused, _ = beyond(policy, provider)
    if unused:
        found.append(DraftWarning("unneeded", "Requests scopes that no feature needs:", unused))
    insisted = tuple(
        scope.name for scope in provider.scopes if scope.mandatory and scope.name not in policy.requested_with_implied
    )
    if insisted and policy.requested:
        words = f"Doesn’t request scopes that are mandatory at {provider.name}, so nobody could connect:"
        found.append(DraftWarning("mandatory", words, insisted))
    never: list[str] = []
    refused: list[str] = []
    for requirement in policy.requirements:
        ours = [scope for scope in requirement.any_of if provider.canonical(scope) in policy.requested_with_implied]
        if not ours:
            never += requirement.any_of
        elif policy.approved_with_implied is not None and not _approved(ours, policy, provider):
            refused += ours
    if never:
        words = "Features need scopes that it doesn’t request, so a link can’t fix them:"
        found.append(DraftWarning("not_requested", words, tuple(dict.fromkeys(never))))
    if refused:
        words = "Features need scopes that the provider has not approved:"
        found.append(DraftWarning("needs_unapproved", words, tuple(dict.fromkeys(refused))))
    if policy.approved_with_implied is not None:
        unapproved = (
            {provider.canonical(scope) for scope in policy.requested} - policy.approved_with_implied - set(refused)
        )
        if unapproved:
            words = "Requests scopes that the provider has not approved:"
            found.append(DraftWarning("requests_unapproved", words, tuple(sorted(unapproved))))
    return found


def _needed(scope: str, policy: Policy, provider: Provider) -> bool:
    needs = {provider.canonical(name) for requirement in policy.requirements for name in requirement.any_of}
    return not needs.isdisjoint(_gives(scope, provider))


def _gives(scope: str, provider: Provider) -> frozenset[str]:
    """The scopes that holding this one satisfies: itself, those that it implies, and those that it replaced."""
    given = provider.held(frozenset({scope}))
    replaced = {old.name for old in provider.scopes if old.successor and provider.canonical(old.successor) in given}
    return given | replaced


def _approved(scopes: Iterable[str], policy: Policy, provider: Provider) -> bool:
    approved = policy.approved_with_implied
    return approved is None or any(provider.canonical(scope) in approved for scope in scopes)
