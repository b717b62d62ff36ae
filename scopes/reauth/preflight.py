"""Would a reauth link help? Pure: a case in, an answer out. The page shows it, and `issue` obeys it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from scopes.catalogue.entries import Provider
from scopes.judge.rules import OPTIONAL, Judgement, Policy, StandingFacts, VerdictLine, judge
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS, Health, Helps
from scopes.reauth.progress import THE_LINK
from scopes.sources.registry import Trouble


@dataclass(frozen=True, slots=True)
class Case:
    """What the answer depends on. `provider` is where the link would lead.

    `trouble` is why the source refuses our account, if it does. `can_be_asked`: it looks single connections up.
    `succeeds` is the provider that it succeeds, if the link is for a connection there; `succeeded_ended` says whether
    that has shut down by now, and `moved` that the person has moved from it already. `retired` says that `provider` is
    switched off itself.
    `judgement` is None where there is no connection. `outcomes` are those of the last links, newest first.
    `recent_links` is how many links were created for the person in the last 30 days, for whatever integration, of
    `most_links` that may be. `needs_administrator`: the last attempt ended because only an administrator of the
    person's organisation can consent. `suspicions` are sentences about scopes that perhaps nobody can grant, by scope.
    """

    provider: Provider
    policy: Policy
    judgement: Judgement | None
    reference_id: str
    most_links: int
    plan: str = ""
    gives_links: bool = True
    can_be_asked: bool = True
    retired: bool = False
    trouble: Trouble | None = None
    succeeds: Provider | None = None
    succeeded_ended: bool = True
    moved: bool = False
    outcomes: tuple[str, ...] = ()
    live: bool = False
    dont_contact: bool = False
    dont_contact_until: date | None = None
    recent_links: int = 0
    needs_administrator: bool = False
    suspicions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no link is created, who can fix that, and how.

    A lead may override it, with a reason, where it may be fixed already without a record of it, or where the person
    may have changed their mind; not where there is no link that could be sent.
    """

    code: str
    why: str
    who: str
    action: str
    overridable: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """One need that the link would fix; `box` is what the consent screen shows, empty where it is not known."""

    key: str
    scope: str
    label: str
    box: str
    level: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One need that stays missing after the link."""

    label: str
    reason: str
    who: str
    action: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """The answer. `fixes_link`: the connection itself is to be made or fixed."""

    provider: Provider
    helps: Helps
    fixes_link: bool
    needs: tuple[Need, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.obstacles

    @property
    def overridable(self) -> bool:
        """True where only a lead may send it."""
        return bool(self.obstacles) and all(obstacle.overridable for obstacle in self.obstacles)

    @property
    def keys(self) -> tuple[str, ...]:
        """The needs that the link is to fix, as they are stored."""
        return (*((THE_LINK,) if self.fixes_link else ()), *(need.key for need in self.needs))


def decide(case: Case) -> Preflight:
    """Whether a link will help, and if not, why not."""
    judgement = case.judgement or _before_any_connection(case)
    lacking = [line for line in judgement.lines if line.need != OPTIONAL and line.held is False]
    fixable = [line for line in lacking if REMEDIES[line.remedy].by_reauth]
    obstacles = tuple(_obstacles(case, judgement, lacking))
    fixes_link = case.judgement is None or judgement.health is Health.BROKEN
    # Where a lead overrides the obstacles, the link is for everything that is missing.
    sought = fixable if fixable or fixes_link or not obstacles else lacking
    left_out = [line for line in lacking if line not in sought and line.reason != "waived"]
    helps = judgement.helps
    if case.judgement is None:
        helps = Helps.PARTLY if left_out else Helps.YES
    return Preflight(
        provider=case.provider,
        helps=helps,
        fixes_link=fixes_link,
        needs=tuple(_need(line, case.provider) for line in sought),
        left_out=tuple(_left_out(line, case.provider) for line in left_out),
        obstacles=obstacles,
        warnings=tuple(_warnings(case, sought, left_out)),
    )


def _before_any_connection(case: Case) -> Judgement:
    """What is missing as long as nothing is granted: what the page will ask for."""
    return judge(StandingFacts(integration=0, reported=frozenset(), plan=case.plan), case.policy)


def _obstacles(case: Case, judgement: Judgement, lacking: list[VerdictLine]) -> Iterator[Obstacle]:
    name = case.provider.name
    if not case.reference_id:
        yield Obstacle(
            "unclaimed",
            "The connection has no known reference id. Without it, a link would create a second connection.",
            "engineer",
            "Ask an engineer to import the person from the host application.",
        )
    if not case.gives_links:
        yield Obstacle(
            "no_links",
            "This source doesn’t support links.",
            "engineer",
            "Ask the person to reconnect in the host application.",
        )
    if case.moved:
        yield Obstacle(
            "moved",
            "The person has moved to the successor: this connection needs no link any more.",
            "nobody",
            "Look at the connection to the successor.",
        )
    elif case.provider.on_device:
        remedy = REMEDIES["phone_settings"]
        yield Obstacle("on_device", f"{name} permissions are set on the person's phone.", remedy.who, remedy.action)
    elif case.retired:
        yield Obstacle(
            "provider_retired",
            f"{name} has shut down, and there is no known successor.",
            "nobody",
            "Tell the person that it can no longer be connected.",
        )
    elif case.judgement is not None:
        yield from _by_verdict(case, judgement, lacking)
    if case.trouble:
        trouble = case.trouble
        yield Obstacle(f"account_{trouble.code}", trouble.meaning, "engineer", trouble.action, overridable=True)
    yield from _by_contact(case)


def _by_contact(case: Case) -> Iterator[Obstacle]:
    """Reasons not to ask this person again, whatever a link would fix."""
    if case.dont_contact:
        until = f" until {case.dont_contact_until:%-d %b %Y}" if case.dont_contact_until else ""
        yield Obstacle(
            "dont_contact",
            f"This person is marked “Do not contact”{until}.",
            "lead",
            "See the reason on the person's page. Allow contact there, or send a link anyway.",
            overridable=True,
        )
    if case.recent_links >= case.most_links:
        yield Obstacle(
            "too_many_links",
            f"{case.recent_links} of at most {case.most_links} links were sent to this person in the last 30 days.",
            "support",
            "Wait, or ask the person why the links don’t work for them.",
            overridable=True,
        )
    if case.needs_administrator:
        yield Obstacle(
            "admin_consent_required",
            f"At {case.provider.name}, only an administrator of the person's organisation can allow this.",
            "support",
            "Tell the person to have their administrator allow it. Then send a link anyway.",
            overridable=True,
        )
    if case.outcomes[:2] == ("unchanged", "unchanged"):
        yield Obstacle(
            "unchanged_twice",
            "The last two links changed nothing: the person completed the consent screen with the same boxes.",
            "support",
            "Talk to the person first: ask what they see and whether they want to allow it.",
            overridable=True,
        )


def _by_verdict(case: Case, judgement: Judgement, lacking: list[VerdictLine]) -> Iterator[Obstacle]:
    match judgement.helps:
        case Helps.NO:
            yield from _cannot_help(case, judgement, lacking)
        case Helps.VERIFY:
            remedy = REMEDIES["verify"]
            why = (
                LINK_REASONS["unconfirmed"].meaning
                if judgement.link_reason == "unconfirmed"
                else "The source doesn’t report which scopes were granted, so we can’t tell what is missing."
            )
            action = remedy.action if case.can_be_asked else "Have your application report the connection’s scopes."
            yield Obstacle("verify", why, remedy.who, action, overridable=True)
        case Helps.NOT_NEEDED if any(line.reason == "waived" for line in lacking):
            remedy = REMEDIES["respect"]
            for line in lacking:
                yield Obstacle("waived", _sentence(line, case.provider), remedy.who, remedy.action, overridable=True)
        case Helps.NOT_NEEDED:
            yield Obstacle(
                "not_needed",
                "The permissions are fine.",
                "nobody",
                "A new link won’t help; look for another cause.",
                overridable=True,
            )


def _cannot_help(case: Case, judgement: Judgement, lacking: list[VerdictLine]) -> Iterator[Obstacle]:
    if judgement.health is Health.BROKEN or judgement.link_reason:
        reason, remedy = LINK_REASONS[judgement.link_reason], REMEDIES[judgement.link_remedy]
        yield Obstacle(reason.code, reason.meaning, remedy.who, remedy.action, remedy.code == "raise_limit")
        return
    for line in judgement.lines if judgement.health is Health.UNKNOWN else lacking:
        if line.reason and line.reason != "waived":
            remedy = REMEDIES[line.remedy]
            yield Obstacle(line.reason, _sentence(line, case.provider), remedy.who, remedy.action, overridable=True)


def _warnings(case: Case, fixable: list[VerdictLine], left_out: list[VerdictLine]) -> Iterator[str]:
    if case.succeeds:
        ended = "has shut down and can’t be fixed" if case.succeeded_ended else "is shutting down"
        yield (
            f"{case.succeeds.name} {ended}. This link connects its"
            f" successor, {case.provider.name}, as a new connection."
        )
    if case.live:
        yield "An earlier link is still active. It stops working when you create this one."
    if fixable and left_out:
        yield "This link fixes only a part. The rest is listed below."
    if case.outcomes[:1] == ("unchanged",) and case.outcomes[:2] != ("unchanged", "unchanged"):
        yield "The last link changed nothing. Tell the person which box to tick."
    for line in fixable:
        for scope in line.scopes:
            if suspicion := case.suspicions.get(scope):
                yield f"{_label(line, case.provider)} may not be available: {suspicion}"
    unconfirmed = [_label(line, case.provider) for line in fixable if not _confirmed(line, case.provider)]
    if unconfirmed:
        yield f"Unconfirmed whether the consent screen offers this: {', '.join(unconfirmed)}."


def _need(line: VerdictLine, provider: Provider) -> Need:
    entry = provider.by_name.get(line.scopes[0])
    return Need(line.key, line.scopes[0], _label(line, provider), entry.box if entry else "", line.need, line.reason)


def _left_out(line: VerdictLine, provider: Provider) -> LeftOut:
    remedy = REMEDIES[line.remedy]
    return LeftOut(_label(line, provider), SCOPE_REASONS[line.reason].title, remedy.who, remedy.action)


def _sentence(line: VerdictLine, provider: Provider) -> str:
    """What is missing, and why."""
    return f"{_label(line, provider)} (`{line.scopes[0]}`): {SCOPE_REASONS[line.reason].meaning}"


def _label(line: VerdictLine, provider: Provider) -> str:
    entry = provider.by_name.get(line.scopes[0])
    return entry.label if entry else line.scopes[0]


def _confirmed(line: VerdictLine, provider: Provider) -> bool:
    entry = provider.by_name.get(line.scopes[0])
    return entry is not None and entry.confirmed
