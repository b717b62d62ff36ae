"""The rules: what one standing means under one policy. Pure: no query, no clock, no settings, no Django.

Connections with the same facts share one standing, so `judge(standing, policy)` runs once for all of them. Why a scope
is missing is decided by the first entry of `SCOPE_RULES` that applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from scopes.catalogue.entries import Provider
from scopes.facts import LinkState
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS, Health, Helps

REQUIRED, RECOMMENDED, OPTIONAL = "required", "recommended", "optional"

NOT_BROKEN = frozenset({LinkState.ACTIVE, LinkState.UNCONFIRMED})


class StandingFacts(NamedTuple):
    """Everything that decides a verdict. Scope strings are exactly as the source reported them.

    `reported` is None when the source did not report scopes. `earlier` are scopes held under this consent and lost
    since. `consent_version` is the id of the policy version under which consent was given, None when unknown.
    `unlisted` is true when more unknown scopes were reported than the catalogue keeps by name. `moved` is true when the
    person has connected the provider's successor.
    """

    integration: int
    link: LinkState = LinkState.ACTIVE
    reported: frozenset[str] | None = None
    earlier: frozenset[str] = frozenset()
    consent_version: int | None = None
    waived: frozenset[str] = frozenset()
    plan: str = ""
    unlisted: bool = False
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Requirement:
    """A feature of the host needs one of the scopes in `any_of`. Without `plans` it applies to every plan.

    `title` and `why` are (language, text) pairs.
    """

    feature: str
    any_of: tuple[str, ...]
    level: str = REQUIRED
    plans: tuple[str, ...] = ()
    title: tuple[tuple[str, str], ...] = ()
    why: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Policy:
    """The content of one policy version. `approved` is None when it was not recorded what the provider approved for us.

    `provider` is the catalogue's entry at publication, `retired` whether its service had ended by then.
    """

    provider: Provider
    requested: frozenset[str] = frozenset()
    approved: frozenset[str] | None = None
    requirements: tuple[Requirement, ...] = ()
    retired: bool = False

    # Computed once, because thousands of standings are judged under the same policy.

    @cached_property
    def successors(self) -> dict[str, str]:
        """Scope -> the scope that the provider replaced it with."""
        scopes = self.provider.scopes
        return {scope.name: self.provider.canonical(scope.successor) for scope in scopes if scope.successor}

    @cached_property
    def requested_with_implied(self) -> frozenset[str]:
        """The canonical names of the requested scopes and of all that they imply."""
        return self.provider.held(self.requested)

    @cached_property
    def approved_with_implied(self) -> frozenset[str] | None:
        """The canonical names of the approved scopes and of all that they imply; None when not recorded."""
        return None if self.approved is None else self.provider.held(self.approved)

    def needs(self, plan: str) -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
        """Alternative scopes -> (strongest level, features), in the order of the policy; only those of this plan."""
        needs = self._needs_by_plan.get(plan)
        if needs is None:
            # There may be many plans that no requirement names: they share one entry.
            if any(plan in requirement.plans for requirement in self.requirements) or not plan:
                needs = self._needs_by_plan[plan] = _needs(self, plan)
            else:
                needs = self.needs("")
        return needs

    @cached_property
    def _needs_by_plan(self) -> dict[str, dict[tuple[str, ...], tuple[str, tuple[str, ...]]]]:
        return {}


class VerdictLine(NamedTuple):
    """One need of a verdict, or one granted scope that nothing needs.

    `scopes` are the canonical names of its alternatives, the one to request first. `held` is None when the source does
    not report scopes. `reason` and `remedy` are empty unless the need is unmet.
    """

    scopes: tuple[str, ...]
    need: str
    held: bool | None
    features: tuple[str, ...] = ()
    reason: str = ""
    remedy: str = ""

    @property
    def key(self) -> str:
        return need_key(self.scopes)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a standing means under one policy. `helps` says whether a reauth would help. Stored as `models.Verdict`."""

    health: Health
    helps: Helps
    link_reason: str
    link_remedy: str
    lines: tuple[VerdictLine, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """The input of the scope rules. All names are canonical."""

    held: frozenset[str] | None
    requested: frozenset[str]
    approved: frozenset[str] | None
    requested_at_consent: frozenset[str] | None
    earlier: frozenset[str]
    waived: bool
    successors: dict[str, str]


def need_key(scopes: Iterable[str]) -> str:
    """The key of a need: its alternatives, sorted and joined by `|`. Waivers refer to needs by it."""
    return "|".join(sorted(scopes))


SCOPE_RULES: tuple[tuple[str, Callable[[str, _Case], bool]], ...] = (
    ("not_approved", lambda scope, case: case.approved is not None and not _among(scope, case.approved, case)),
    ("never_requested", lambda scope, case: not _among(scope, case.requested, case)),
    ("not_reported", lambda scope, case: case.held is None),
    ("renamed", lambda scope, case: scope in case.successors),
    ("waived", lambda scope, case: case.waived),
    ("removed_later", lambda scope, case: scope in case.earlier),
    (
        "requirement_raised",
        lambda scope, case: case.requested_at_consent is not None and scope not in case.requested_at_consent,
    ),
    ("declined", lambda scope, case: case.requested_at_consent is not None),
    ("not_granted", lambda scope, case: True),
)
_RANK = {code: rank for rank, (code, _) in enumerate(SCOPE_RULES)}


def judge(standing: StandingFacts, policy: Policy, requested_at_consent: frozenset[str] | None = None) -> Judgement:
    """The judgement of `standing` under `policy`.

    `requested_at_consent` are the scopes that were requested when consent was given; None when not known.
    """
    provider = policy.provider
    held = None if standing.reported is None else provider.held(standing.reported)
    waived = {need_key(set(map(provider.canonical, key.split("|")))) for key in standing.waived}
    case = _Case(
        held=held,
        requested=policy.requested_with_implied,
        approved=policy.approved_with_implied,
        requested_at_consent=None if requested_at_consent is None else provider.held(requested_at_consent),
        earlier=provider.held(standing.earlier),
        waived=False,
        successors=policy.successors,
    )
    # Who has moved needs nothing here any more: the features depend on the connection to the successor.
    needs = {} if standing.moved else policy.needs(standing.plan)
    lines = [_line(scopes, level, features, case, waived) for scopes, (level, features) in needs.items()]
    needed = {scope for line in lines for scope in line.scopes}
    if standing.reported is not None:
        spare = sorted({provider.canonical(spelling) for spelling in standing.reported} - needed)
        lines.extend(VerdictLine((scope,), OPTIONAL, True) for scope in spare)
    link_reason, link_remedy = _link(standing, policy)
    health = _health(standing, policy, lines)
    return Judgement(
        health=health,
        helps=_helps(standing, policy, health, link_remedy, lines),
        link_reason=link_reason,
        link_remedy=link_remedy,
        lines=tuple(lines),
    )


def _needs(policy: Policy, plan: str) -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
    needs: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {}
    for requirement in policy.requirements:
        if requirement.plans and plan not in requirement.plans:
            continue
        scopes = tuple(dict.fromkeys(policy.provider.canonical(scope) for scope in requirement.any_of))
        key = need_key(scopes)
        first, level, features = needs.get(key, (scopes, RECOMMENDED, ()))
        if requirement.feature not in features:
            features = (*features, requirement.feature)
        needs[key] = (first, REQUIRED if REQUIRED in (level, requirement.level) else RECOMMENDED, features)
    return {scopes: (level, features) for scopes, level, features in needs.values()}


def _line(scopes: tuple[str, ...], level: str, features: tuple[str, ...], case: _Case, waived: set[str]) -> VerdictLine:
    if case.held is not None and any(_among(scope, case.held, case) for scope in scopes):
        return VerdictLine(scopes, level, True, features)
    missing = replace(case, waived=need_key(scopes) in waived)

    def preference(reason_and_scope: tuple[str, str]) -> tuple[bool, bool, bool, int]:
        """Sort key: first an alternative that the person declined, then one they can grant, then one not reported."""
        reason, scope = reason_and_scope
        by_reauth = _remedy_for(reason, scope, missing)[1]
        return reason != "waived", not by_reauth, reason != "not_reported", _RANK[reason]

    reason, scope = min(((_reason(scope, missing), scope) for scope in scopes), key=preference)
    remedy, _ = _remedy_for(reason, scope, missing)
    first_to_request = (scope, *(other for other in scopes if other != scope))
    return VerdictLine(first_to_request, level, None if case.held is None else False, features, reason, remedy)


def _among(scope: str, names: frozenset[str], case: _Case) -> bool:
    """Whether `names` has the scope or one that replaced it, directly or through further replacements."""
    seen: set[str] = set()
    while scope and scope not in seen:
        if scope in names:
            return True
        seen.add(scope)
        scope = case.successors.get(scope, "")
    return False


def _reason(scope: str, case: _Case) -> str:
    return next(code for code, applies in SCOPE_RULES if applies(scope, case))


def _remedy_for(reason: str, scope: str, case: _Case) -> tuple[str, bool]:
    """(remedy, whether it is a reauth). It is, for a replaced scope, once its successor is approved and requested."""
    remedy = SCOPE_REASONS[reason].remedy
    if reason == "renamed":
        successor = case.successors[scope]
        if case.approved is not None and not _among(successor, case.approved, case):
            remedy = "change_console"
        elif not _among(successor, case.requested, case):
            remedy = "change_request"
    return remedy, REMEDIES[remedy].by_reauth


def _link(standing: StandingFacts, policy: Policy) -> tuple[str, str]:
    """(reason, remedy) of the link itself; both empty when it works."""
    if standing.moved:
        return "moved", LINK_REASONS["moved"].remedy
    if policy.retired:
        return "provider_retired", LINK_REASONS["provider_retired"].remedy
    if standing.link is LinkState.ACTIVE:
        return ("phone_permission", LINK_REASONS["phone_permission"].remedy) if policy.provider.on_device else ("", "")
    reason = LINK_REASONS[standing.link.value]
    # Permissions on the phone cannot be fixed by a consent screen.
    if policy.provider.on_device and REMEDIES[reason.remedy].by_reauth:
        return reason.code, "phone_settings"
    return reason.code, reason.remedy


def _health(standing: StandingFacts, policy: Policy, lines: list[VerdictLine]) -> Health:
    if standing.moved:
        return Health.OK
    if policy.retired or standing.link not in NOT_BROKEN:
        return Health.BROKEN
    if standing.reported is None:
        return Health.UNKNOWN
    missing = [line for line in lines if not line.held]
    if any(line.need == REQUIRED and line.reason != "waived" for line in missing):
        return Health.BLOCKED
    # A waived requirement still leaves a feature off; a waived recommendation takes nothing away.
    if any(line.need == REQUIRED or line.reason != "waived" for line in missing):
        return Health.REDUCED
    return Health.OK


def _helps(
    standing: StandingFacts, policy: Policy, health: Health, link_remedy: str, lines: list[VerdictLine]
) -> Helps:
    if standing.moved:
        return Helps.NOT_NEEDED
    missing = [line for line in lines if line.need != OPTIONAL and line.held is False and line.reason != "waived"]
    fixable = [line for line in missing if REMEDIES[line.remedy].by_reauth]
    if health is Health.BROKEN or policy.provider.on_device:
        if not REMEDIES[link_remedy].by_reauth:
            return Helps.NO
        return Helps.YES if len(fixable) == len(missing) else Helps.PARTLY
    if standing.link is LinkState.UNCONFIRMED:
        return Helps.VERIFY
    if health is Health.UNKNOWN:
        if any(line.reason == "not_reported" for line in lines):
            return Helps.VERIFY
        return Helps.NO if lines else Helps.NOT_NEEDED
    if not missing:
        return Helps.NOT_NEEDED
    if not fixable:
        return Helps.NO
    return Helps.YES if len(fixable) == len(missing) else Helps.PARTLY
