"""Explain one connection's verdict: since when, on what evidence, in sentences. Pure; every door uses it.

Many connections share a verdict, so it has no dates. They come from this connection's periods and the versions of its
policy, which are read backwards to the moment when the current judgement began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scopes.catalogue.entries import Provider
from scopes.judge.headline import headline
from scopes.judge.history import Moment, PeriodFacts, PublishedPolicy, may_be_earlier, moments_of, since_when
from scopes.judge.rules import OPTIONAL, Judgement, VerdictLine
from scopes.judge.sentences import (
    ExplainedLine,
    MovedTo,
    RefusedData,
    known_later,
    line_evidence,
    link_evidence,
    refusal_sentences,
    sentences_of,
)
from scopes.reasons import REMEDIES, Health, Helps


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one connection's verdict means. `headline` is one sentence, `sentences` the same at length.

    `later` says that this became known only later, where it did. `working`, `failing` and `uncertain` are features.
    `refusals` say what data the provider refused since the consent: they are evidence and change no reason.
    """

    health: Health
    since: datetime
    since_at_least: bool
    helps: Helps
    link_reason: str
    link_remedy: str
    link_evidence: tuple[str, ...]
    lines: tuple[ExplainedLine, ...]
    working: tuple[str, ...]
    failing: tuple[str, ...]
    uncertain: tuple[str, ...]
    headline: str
    sentences: tuple[str, ...]
    later: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether the person has moved to the provider's successor."""
        return self.link_reason == "moved"


def explain(
    judgement: Judgement,
    periods: Sequence[PeriodFacts],
    versions: Sequence[PublishedPolicy],
    provider: Provider,
    consented_at: datetime | None,
    successor: str = "",
    at: datetime | None = None,
    refused: Sequence[RefusedData] = (),
    moved: MovedTo | None = None,
) -> Explanation:
    """The explanation of `judgement`, which is the verdict in force of one connection.

    `periods` are the connection's and `versions` its integration's published versions, both oldest first, at least one
    of each. `provider` is today's catalogue entry, `successor` the name of the provider that replaces it. `refused` is
    data that the provider refused, `moved` where the person has moved. With `at`, which is not before the first period,
    the explanation is as of then, and `judgement` is that of `judged_at`.
    """
    moments = [moment for moment in moments_of(periods, versions, provider) if at is None or moment.at <= at]
    now = moments[-1]
    since = since_when(moments, lambda moment: moment.judgement.health is judgement.health)
    titles = {need.feature: dict(need.title).get("en", need.feature) for need in now.version.policy.requirements}
    needs = [line for line in judgement.lines if line.need != OPTIONAL]
    spare = [line for line in now.judgement.lines if line.need == OPTIONAL]
    lines = tuple(_explained(line, moments, versions, provider, consented_at, titles) for line in (*needs, *spare))
    failing = _features(lines, lambda line: line.held is False)
    uncertain = tuple(name for name in _features(lines, lambda line: line.held is None) if name not in failing)
    broken = judgement.health is Health.BROKEN
    everything = _features(lines, lambda line: line.need != OPTIONAL)
    working = () if broken else tuple(name for name in everything if name not in failing and name not in uncertain)
    later = tuple(known_later(now.period, at))
    return Explanation(
        health=judgement.health,
        since=since,
        since_at_least=may_be_earlier(since, moments),
        helps=judgement.helps,
        link_reason=judgement.link_reason,
        link_remedy=judgement.link_remedy,
        link_evidence=link_evidence(judgement, moments, provider, moved),
        lines=lines,
        working=working,
        failing=everything if broken else failing,
        uncertain=() if broken else uncertain,
        headline=headline(judgement, lines, provider, successor, moved),
        sentences=(*sentences_of(judgement, lines, provider, working, successor, moved), *later),
        later=later,
        refusals=tuple(refusal_sentences(refused, consented_at, at)),
    )


def _explained(
    line: VerdictLine,
    moments: Sequence[Moment],
    versions: Sequence[PublishedPolicy],
    provider: Provider,
    consented_at: datetime | None,
    titles: Mapping[str, str],
) -> ExplainedLine:
    def same(moment: Moment) -> bool:
        earlier = next((other for other in moment.judgement.lines if other.key == line.key), None)
        return earlier is not None and earlier.held == line.held

    entries = [provider.by_name[name] for name in line.scopes if name in provider.by_name]
    since = since_when(moments, same)
    return ExplainedLine(
        scopes=line.scopes,
        label=" or ".join(entry.label for entry in entries) or " or ".join(line.scopes),
        need=line.need,
        held=line.held,
        features=tuple(titles.get(feature, feature) for feature in line.features),
        reason=line.reason,
        remedy=line.remedy,
        helps=bool(line.remedy) and REMEDIES[line.remedy].by_reauth,
        since=since,
        since_at_least=may_be_earlier(since, moments),
        evidence=tuple(line_evidence(line, moments, versions, consented_at)) if line.reason else (),
        confirmed=all(entry.confirmed for entry in entries) and bool(entries),
        box=next((entry.box for entry in entries if entry.box), ""),
    )


def _features(lines: Sequence[ExplainedLine], which: Callable[[ExplainedLine], bool]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for line in lines if which(line) for name in line.features))
