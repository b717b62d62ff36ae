"""Say it for one connection: since when, on what evidence, in sentences. Pure; every door uses it.

A verdict is shared by many connections, so it carries no dates. The dates come from this connection's periods and from
the versions of its policy: both are read back until what is told now was not so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from scopes.catalogue.entries import Provider
from scopes.facts import OBSERVATIONS, OriginKind
from scopes.judge.rules import OPTIONAL, REQUIRED, Judgement, Line, Policy, StandingFacts, judge
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS, Health, Helps


@dataclass(frozen=True, slots=True)
class Stretch:
    """One period, as far as it is told. Oldest first in every sequence of them."""

    standing: StandingFacts
    since: datetime
    until: datetime | None
    origin: OriginKind
    record: str
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One published policy version. Oldest publication first in every sequence of them."""

    pk: int
    number: int
    policy: Policy
    published_at: datetime
    in_force_from: datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Data of one kind that the provider refused for lack of permission; `data_type` is empty where it was not told."""

    data_type: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Scoped:
    """One need or spare scope of one connection, with its words, since and evidence."""

    scopes: tuple[str, ...]
    label: str
    need: str
    held: bool | None
    features: tuple[str, ...]
    reason: str
    remedy: str
    helps: bool
    since: datetime | None
    since_at_least: bool
    evidence: tuple[str, ...]
    confirmed: bool
    box: str


@dataclass(frozen=True, slots=True)
class Account:
    """What one connection's verdict means for the one who asks. `sentences` can be said aloud, in order.

    `refusals` tell what the provider refused since the consent: evidence, which changed no reason.
    """

    health: Health
    since: datetime
    since_at_least: bool
    helps: Helps
    link_reason: str
    link_remedy: str
    link_evidence: tuple[str, ...]
    lines: tuple[Scoped, ...]
    working: tuple[str, ...]
    failing: tuple[str, ...]
    uncertain: tuple[str, ...]
    sentences: tuple[str, ...]
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Moment:
    at: datetime
    stretch: Stretch
    version: Version
    judgement: Judgement


def explain(
    judgement: Judgement,
    stretches: Sequence[Stretch],
    versions: Sequence[Version],
    provider: Provider,
    consented_at: datetime | None,
    successor: str = "",
    at: datetime | None = None,
    refused: Sequence[Refused] = (),
) -> Account:
    """The account of one connection whose verdict in force is `judgement`.

    `stretches` are its periods and `versions` its integration's published versions, both oldest first, at least one
    of each; `provider` is today's entry of the catalogue, for the words, `successor` the name of what replaces it.
    `refused` is what the provider refused it. With `at`, the account is as of then, and must not lie before the first
    stretch: `judged_at` gives its judgement.
    """
    moments = [moment for moment in _moments(stretches, versions, provider) if at is None or moment.at <= at]
    now = moments[-1]
    since = _since(moments, lambda moment: moment.judgement.health is judgement.health)
    titles = {need.feature: dict(need.title).get("en", need.feature) for need in now.version.policy.requirements}
    needs = [line for line in judgement.lines if line.need != OPTIONAL]
    spare = [line for line in now.judgement.lines if line.need == OPTIONAL]
    lines = tuple(_scoped(line, moments, versions, provider, consented_at, titles) for line in (*needs, *spare))
    failing = _features(lines, lambda line: line.held is False)
    uncertain = tuple(name for name in _features(lines, lambda line: line.held is None) if name not in failing)
    broken = judgement.health is Health.BROKEN
    everything = _features(lines, lambda line: line.need != OPTIONAL)
    working = () if broken else tuple(name for name in everything if name not in failing and name not in uncertain)
    return Account(
        health=judgement.health,
        since=since,
        since_at_least=_at_least(since, moments),
        helps=judgement.helps,
        link_reason=judgement.link_reason,
        link_remedy=judgement.link_remedy,
        link_evidence=_link_evidence(judgement, moments, provider),
        lines=lines,
        working=working,
        failing=everything if broken else failing,
        uncertain=() if broken else uncertain,
        sentences=(*_sentences(judgement, lines, provider, working, successor), *_told_later(now.stretch, at)),
        refusals=tuple(_refusals(refused, consented_at, at)),
    )


def judged_at(
    stretches: Sequence[Stretch], versions: Sequence[Version], provider: Provider, at: datetime
) -> Judgement | None:
    """What was concluded at `at`: the period of that time under the version of that time. None before the first."""
    past = [moment for moment in _moments(stretches, versions, provider) if moment.at <= at]
    return past[-1].judgement if past else None


def _moments(stretches: Sequence[Stretch], versions: Sequence[Version], provider: Provider) -> list[_Moment]:
    """Each time from which something else was true or concluded, oldest first.

    A version may tell of a retirement and speak for the time before it, where it is the first: that day counts.
    """
    asked = {version.pk: version.policy.requested for version in versions}
    first = stretches[0].since
    times = {stretch.since for stretch in stretches} | {v.published_at for v in versions if v.published_at > first}
    retired = datetime.combine(provider.retired_on, time(), UTC) if provider.retired_on else None
    if retired and retired > first and any(version.policy.retired for version in versions):
        times.add(retired)
    moments = []
    for at in sorted(times):
        stretch = [stretch for stretch in stretches if stretch.since <= at][-1]
        published = [version for version in versions if version.published_at <= at]
        version = published[-1] if published else versions[0]
        policy = replace(version.policy, retired=False) if retired and at < retired else version.policy
        consent = stretch.standing.consent_version
        judgement = judge(stretch.standing, policy, asked.get(consent) if consent is not None else None)
        moments.append(_Moment(at, stretch, version, judgement))
    return moments


def _since(moments: Sequence[_Moment], holds: Callable[[_Moment], bool]) -> datetime:
    """The start of the last unbroken run of moments for which `holds`; the last moment where it never did."""
    since = moments[-1].at
    for moment in reversed(moments):
        if not holds(moment):
            break
        since = moment.at
    return since


def _at_least(since: datetime, moments: Sequence[_Moment]) -> bool:
    """Whether it may have begun earlier: the first that was heard of it is that it was seen so."""
    return since == moments[0].at and moments[0].stretch.origin in OBSERVATIONS


def _first(moments: Sequence[_Moment], fact: Callable[[_Moment], object]) -> Stretch:
    """The stretch with which `fact` became what it is now: the one that told of it."""
    since = _since(moments, lambda moment: fact(moment) == fact(moments[-1]))
    return next(moment.stretch for moment in moments if moment.at == since)


def _scoped(
    line: Line,
    moments: Sequence[_Moment],
    versions: Sequence[Version],
    provider: Provider,
    consented_at: datetime | None,
    titles: Mapping[str, str],
) -> Scoped:
    def same(moment: _Moment) -> bool:
        earlier = next((other for other in moment.judgement.lines if other.key == line.key), None)
        return earlier is not None and earlier.held == line.held

    entries = [provider.by_name[name] for name in line.scopes if name in provider.by_name]
    since = _since(moments, same)
    return Scoped(
        scopes=line.scopes,
        label=" or ".join(entry.label for entry in entries) or " or ".join(line.scopes),
        need=line.need,
        held=line.held,
        features=tuple(titles.get(feature, feature) for feature in line.features),
        reason=line.reason,
        remedy=line.remedy,
        helps=bool(line.remedy) and REMEDIES[line.remedy].by_reauth,
        since=since,
        since_at_least=_at_least(since, moments),
        evidence=tuple(_evidence(line, moments, versions, consented_at)) if line.reason else (),
        confirmed=all(entry.confirmed for entry in entries) and bool(entries),
        box=next((entry.box for entry in entries if entry.box), ""),
    )


def _evidence(
    line: Line, moments: Sequence[_Moment], versions: Sequence[Version], consented_at: datetime | None
) -> list[str]:
    """What each reason stands on, with its dates."""
    now = moments[-1]
    consent = next((version for version in versions if version.pk == now.stretch.standing.consent_version), None)
    asked = f"Consent was given on {_day(consented_at)}" if consented_at else "When consent was given is not known"
    told = f"Told by {_origin(_first(moments, lambda moment: moment.stretch.standing.reported))}."
    scope = line.scopes[0]
    match line.reason:
        case "not_approved":
            return [f"Policy {now.version.number} lists what the provider approved for us; `{scope}` is not among it."]
        case "never_requested":
            return [f"Policy {now.version.number}, published on {_day(now.version.published_at)}, does not request it."]
        case "declined" if consent:
            return [f"{asked} under policy {consent.number}, which asked for it; it was not granted.", told]
        case "requirement_raised" if consent:
            known = (version for version in versions if version.published_at <= now.at or version is now.version)
            first = next((v for v in known if scope in v.policy.requested and v.in_force_from), None)
            later = f" It is requested since {_day(first.in_force_from)}." if first else ""
            return [f"{asked} under policy {consent.number}, which did not ask for it.{later}", told]
        case "removed_later":
            gone = _since(moments, lambda moment: scope in _lost(moment))
            return [f"It was held before, and gone on {_day(gone)}.", told]
        case "not_reported":
            return ["The source reports no scopes for this connection."]
        case "renamed":
            return [f"The provider replaced `{scope}`; what replaces it is not granted.", told]
        case "waived":
            since = _since(moments, lambda moment: (line.key, "waived") in _reasons(moment))
            return [f"A waiver respects the person's choice since {_day(since)}."]
    return [f"{asked}; what was asked for then is not known.", told]


def _reasons(moment: _Moment) -> set[tuple[str, str]]:
    return {(line.key, line.reason) for line in moment.judgement.lines}


def _lost(moment: _Moment) -> frozenset[str]:
    provider = moment.version.policy.provider
    return provider.held(moment.stretch.standing.earlier)


def _link_evidence(judgement: Judgement, moments: Sequence[_Moment], provider: Provider) -> tuple[str, ...]:
    if not judgement.link_reason:
        return ()
    if judgement.link_reason == "provider_retired" and provider.retired_on:
        return (f"{provider.name} was retired on {_day(provider.retired_on)}.",)
    if judgement.link_reason == "phone_permission":
        return ("The permissions are given on the phone and are reported to nobody.",)
    first = _first(moments, lambda moment: moment.stretch.standing.link)
    return (f"Since {_day(first.since)}, told by {_origin(first)}.",)


def _refusals(refused: Sequence[Refused], consented_at: datetime | None, at: datetime | None) -> Iterator[str]:
    """What was refused under the consent that holds; an earlier one may have lacked what this one grants."""
    for one in sorted(refused, key=lambda one: (one.first_at, one.data_type)):
        known = [time for time in (one.first_at, one.last_at) if at is None or time <= at]
        under = [time for time in known if consented_at is None or time >= consented_at]
        if not under:
            continue
        first, last = _day(under[0]), _day(under[-1])
        when = f"on {first}" if first == last else f"between {first} and {last}"
        what = f"`{one.data_type}` data" if one.data_type else "some data"
        yield f"The provider refused {what} for lack of permission {when}."


def _features(lines: Sequence[Scoped], which: Callable[[Scoped], bool]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for line in lines if which(line) for name in line.features))


def _sentences(
    judgement: Judgement, lines: Sequence[Scoped], provider: Provider, working: Sequence[str], successor: str
) -> list[str]:
    """What is wrong, why, what works, and whether a reauth helps."""
    said = []
    if judgement.link_reason == "provider_retired" and provider.retired_on:
        said.append(f"{provider.name} was retired on {_day(provider.retired_on)}: no reauth can mend it.")
        said.append(f"Send a link to connect {successor} instead." if successor else "Nothing is known to replace it.")
        return said
    if judgement.link_reason:
        said.append(LINK_REASONS[judgement.link_reason].meaning)
    missing = [line for line in lines if line.held is False and line.need != OPTIONAL]
    for line in missing:
        so = f", so {_list(line.features)} {'cannot work' if line.need == REQUIRED else 'works less well'}"
        said.append(f"{line.label} (`{line.scopes[0]}`) is not granted{so}. {SCOPE_REASONS[line.reason].meaning}")
    if working and (missing or judgement.link_reason):
        said.append(f"{_list(working)} {'works' if len(working) == 1 else 'work'}.")
    if not said:
        said.append(
            "The source does not report scopes, so nobody can say what is missing."
            if judgement.health is Health.UNKNOWN
            else "Everything that is needed is granted."
        )
    said.append(_advice(judgement, missing))
    return [sentence for sentence in said if sentence]


def _advice(judgement: Judgement, missing: Sequence[Scoped]) -> str:
    boxes = [f"“{line.box or line.label}”" for line in missing if line.helps]
    tick = f" {_list(boxes)} must stay ticked." if boxes else ""
    others = sorted({REMEDIES[line.remedy].action for line in missing if not line.helps and line.reason != "waived"})
    match judgement.helps:
        case Helps.YES:
            return f"A reauth will help.{tick}"
        case Helps.PARTLY:
            return " ".join([f"A reauth will help in part.{tick}", *others])
        case Helps.VERIFY:
            return "Verify the connection before anyone is asked for anything."
        case Helps.NO:
            actions = [REMEDIES[judgement.link_remedy].action] if judgement.link_remedy else others
            return " ".join(["A reauth cannot help.", *actions])
    return ""


def _told_later(stretch: Stretch, at: datetime | None) -> list[str]:
    """What nobody knew yet at that time, though it was so."""
    if at is None or stretch.received_at is None or stretch.received_at <= at:
        return []
    return [f"This was so; it came to be known only on {_day(stretch.received_at)}."]


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _day(at: date | None) -> str:
    return f"{at:%-d %b %Y}" if at else "an unknown day"


_ORIGINS: Mapping[OriginKind, str] = {
    OriginKind.LISTING: "the listing",
    OriginKind.WEBHOOK: "a webhook",
    OriginKind.FILE: "an imported file",
    OriginKind.LIVE_CHECK: "a live check",
    OriginKind.RETURN: "the return of the person",
    OriginKind.POLICY: "a policy's publication",
    OriginKind.ACT: "an agent's act",
}


def _origin(stretch: Stretch) -> str:
    return f"{_ORIGINS[stretch.origin]} of {_day(stretch.since)}"
