"""The sentences of an explanation: what is wrong, on what evidence, and what helps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from scopes.catalogue.entries import Provider
from scopes.judge.history import Moment, PeriodFacts, PublishedPolicy, first_period, since_when
from scopes.judge.rules import OPTIONAL, REQUIRED, Judgement, VerdictLine
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS, Health, Helps


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One need, or one granted scope that nothing needs, with its label, since when, and evidence.

    `box` is what the consent screen shows for it, `confirmed` whether the catalogue's entry is.
    """

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
class RefusedData:
    """Data that the provider refused for lack of permission. `data_type` is empty if it was not reported."""

    data_type: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class MovedTo:
    """The successor that the person has connected, and when it first worked.

    It is `proved` where the successor reported the account of the old connection as the same person's.
    """

    provider: str
    since: datetime
    proved: bool


def sentences_of(
    judgement: Judgement,
    lines: Sequence[ExplainedLine],
    provider: Provider,
    working: Sequence[str],
    successor: str,
    moved: MovedTo | None = None,
) -> list[str]:
    """Sentences on what is wrong, why, what works, and whether a reauth helps."""
    sentences = []
    if judgement.link_reason == "moved":
        to = f"{moved.provider} on {day(moved.since)}" if moved else successor or "the successor"
        return [f"Moved to {to}.", "This connection needs nothing any more: see the new one."]
    if judgement.link_reason == "provider_retired" and provider.retired_on:
        sentences.append(f"{provider.name} was retired on {day(provider.retired_on)} and can’t be reconnected.")
        sentences.append(
            f"Send a link to connect {successor} instead." if successor else "There is no known successor."
        )
        return sentences
    if judgement.link_reason:
        sentences.append(LINK_REASONS[judgement.link_reason].meaning)
    missing = [line for line in lines if line.held is False and line.need != OPTIONAL]
    for line in missing:
        so = f", so {in_words(line.features)} {'cannot work' if line.need == REQUIRED else 'works less well'}"
        sentences.append(f"{line.label} (`{line.scopes[0]}`) is not granted{so}. {SCOPE_REASONS[line.reason].meaning}")
    if working and (missing or judgement.link_reason):
        sentences.append(f"{in_words(working)} {'works' if len(working) == 1 else 'work'}.")
    if not sentences:
        sentences.append(
            "The source doesn’t report scopes, so we can’t tell what is missing."
            if judgement.health is Health.UNKNOWN
            else "All needed permissions are granted."
        )
    sentences.append(_advice(judgement, missing))
    return [sentence for sentence in sentences if sentence]


def _advice(judgement: Judgement, missing: Sequence[ExplainedLine]) -> str:
    boxes = [f"“{line.box or line.label}”" for line in missing if line.helps]
    tick = f" {in_words(boxes)} must stay ticked." if boxes else ""
    others = sorted({REMEDIES[line.remedy].action for line in missing if not line.helps and line.reason != "waived"})
    match judgement.helps:
        case Helps.YES:
            return f"A new link will help.{tick}"
        case Helps.PARTLY:
            return " ".join([f"A new link will help in part.{tick}", *others])
        case Helps.VERIFY:
            return "Check the connection before you ask the person for anything."
        case Helps.NO:
            actions = [REMEDIES[judgement.link_remedy].action] if judgement.link_remedy else others
            return " ".join(["A new link won’t help.", *actions])
    return ""


def line_evidence(
    line: VerdictLine, moments: Sequence[Moment], versions: Sequence[PublishedPolicy], consented_at: datetime | None
) -> list[str]:
    """The evidence for the reason of `line`, with its dates."""
    now = moments[-1]
    consent = next((version for version in versions if version.pk == now.period.standing.consent_version), None)
    consented = f"Consent was given on {day(consented_at)}" if consented_at else "The date of the consent is unknown"
    reported = f"Reported by {_origin(first_period(moments, lambda moment: moment.period.standing.reported))}."
    scope = line.scopes[0]
    match line.reason:
        case "not_approved":
            return [f"Policy {now.version.number} lists the approved scopes; `{scope}` is not one of them."]
        case "never_requested":
            return [f"Policy {now.version.number}, published on {day(now.version.published_at)}, does not request it."]
        case "declined" if consent:
            return [f"{consented} under policy {consent.number}, which asked for it; it was not granted.", reported]
        case "requirement_raised" if consent:
            known = (version for version in versions if version.published_at <= now.at or version is now.version)
            first = next((v for v in known if scope in v.policy.requested and v.in_force_from), None)
            later = f" It has been requested since {day(first.in_force_from)}." if first else ""
            return [f"{consented} under policy {consent.number}, which did not ask for it.{later}", reported]
        case "removed_later":
            gone = since_when(moments, lambda moment: scope in _lost(moment))
            return [f"It was granted before and removed on {day(gone)}.", reported]
        case "not_reported":
            return ["The source reports no scopes for this connection."]
        case "renamed":
            return [f"The provider replaced `{scope}`; its successor is not granted.", reported]
        case "waived":
            since = since_when(moments, lambda moment: (line.key, "waived") in _reasons(moment))
            return [f"Waived since {day(since)}."]
    return [f"{consented}; we don’t know which scopes were requested then.", reported]


def _reasons(moment: Moment) -> set[tuple[str, str]]:
    return {(line.key, line.reason) for line in moment.judgement.lines}


def _lost(moment: Moment) -> frozenset[str]:
    provider = moment.version.policy.provider
    return provider.held(moment.period.standing.earlier)


def link_evidence(
    judgement: Judgement, moments: Sequence[Moment], provider: Provider, moved: MovedTo | None = None
) -> tuple[str, ...]:
    """The evidence for the reason of the link, with its dates; empty if the link works."""
    if not judgement.link_reason:
        return ()
    if judgement.link_reason == "moved":
        return (_proof(provider, moved),) if moved else ()
    if judgement.link_reason == "provider_retired" and provider.retired_on:
        return (f"{provider.name} was retired on {day(provider.retired_on)}.",)
    if judgement.link_reason == "phone_permission":
        return ("The permissions are set on the phone and are not reported to us.",)
    first = first_period(moments, lambda moment: moment.period.standing.link)
    return (f"Since {day(first.since)}, reported by {_origin(first)}.",)


def _proof(provider: Provider, moved: MovedTo) -> str:
    if moved.proved:
        return f"Proved: {moved.provider} reports this {provider.name} account as the same person's."
    return f"Inferred: this person has connected {moved.provider}; that it is the same account is not proved."


def refusal_sentences(
    refused: Sequence[RefusedData], consented_at: datetime | None, at: datetime | None
) -> Iterator[str]:
    """What was refused since the current consent; an earlier one may have granted less."""
    for one in sorted(refused, key=lambda one: (one.first_at, one.data_type)):
        known = [time for time in (one.first_at, one.last_at) if at is None or time <= at]
        under = [time for time in known if consented_at is None or time >= consented_at]
        if not under:
            continue
        first, last = day(under[0]), day(under[-1])
        when = f"on {first}" if first == last else f"between {first} and {last}"
        what = f"`{one.data_type}` data" if one.data_type else "some data"
        yield f"The provider refused {what} for lack of permission {when}."


def known_later(period: PeriodFacts, at: datetime | None) -> list[str]:
    """A sentence if the current period was recorded only after `at`."""
    if at is None or period.received_at is None or period.received_at <= at:
        return []
    return [f"We learned this only on {day(period.received_at)}."]


def in_words(words: Sequence[str]) -> str:
    """The words in a row, such as: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def day(at: date | None) -> str:
    """The day (UTC) as sentences write it."""
    return f"{at:%-d %b %Y}" if at else "an unknown day"


def _origin(period: PeriodFacts) -> str:
    return f"{period.origin.a_noun} on {day(period.since)}"
