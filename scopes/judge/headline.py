"""One sentence on a connection that an agent can say aloud: what is wrong, why, and whether a link helps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scopes.catalogue.entries import Provider
from scopes.judge.rules import OPTIONAL, REQUIRED, Judgement
from scopes.judge.sentences import ExplainedLine, MovedTo, day, in_words
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS, Health, Helps

MOST = 3


def headline(
    judgement: Judgement,
    lines: Sequence[ExplainedLine],
    provider: Provider,
    successor: str = "",
    moved: MovedTo | None = None,
) -> str:
    """The sentence. `lines` are the judgement's, explained; `successor` is the name of what replaces the provider."""
    if judgement.link_reason == "moved":
        to = f"{moved.provider} on {day(moved.since)}" if moved else successor or "the successor"
        return f"Moved to {to}."
    if judgement.link_reason == "provider_retired" and provider.retired_on:
        instead = f": send a link to connect {successor} instead" if successor else ""
        return f"{provider.name} was retired on {day(provider.retired_on)} and can’t be reconnected{instead}."
    needed = [line for line in lines if line.need != OPTIONAL]
    missing = [line for line in needed if line.held is False and line.reason != "waived"]
    waived = [line.label for line in needed if line.held is False and line.reason == "waived"]
    if judgement.link_reason:
        # A meaning begins with what happened; what may follow explains it.
        said = LINK_REASONS[judgement.link_reason].meaning.partition(". ")[0].removesuffix(".")
    elif missing:
        said = f"{_names(missing)}{_effects(missing)}"
    elif judgement.health is Health.UNKNOWN:
        said = "The source doesn’t report scopes, so we can’t tell what is missing"
    elif waived:
        said = f"Everything that is needed is granted but {in_words(_few(waived))}, which the person declined"
    else:
        said = "All needed permissions are granted"
    return f"{said}{_advice(judgement, missing)}."


def _names(missing: Sequence[ExplainedLine]) -> str:
    """What is not granted, and why: once where the reason is the same."""
    reasons = {line.reason for line in missing}
    if len(reasons) == 1:
        names = _few([line.label for line in missing])
        why = _why(missing[0])
        return f"{in_words(names)} {'is' if len(missing) == 1 else 'are'} not granted{why}"
    return f"{in_words(_few([f'{line.label}{_why(line)}' for line in missing]))} are not granted"


def _why(line: ExplainedLine) -> str:
    return "" if line.reason == "not_granted" else f" ({SCOPE_REASONS[line.reason].title.lower()})"


def _effects(missing: Sequence[ExplainedLine]) -> str:
    """What the person notices of it."""
    stopped = _features(line for line in missing if line.need == REQUIRED)
    worse = [name for name in _features(line for line in missing if line.need != REQUIRED) if name not in stopped]
    effects = []
    if stopped:
        effects.append(f"{in_words(_few(stopped))} cannot work")
    if worse:
        effects.append(f"{in_words(_few(worse))} {'works' if len(worse) == 1 else 'work'} less well")
    return f", so {' and '.join(effects)}" if effects else ""


def _features(lines: Iterable[ExplainedLine]) -> list[str]:
    return list(dict.fromkeys(name for line in lines for name in line.features))


def _advice(judgement: Judgement, missing: Sequence[ExplainedLine]) -> str:
    match judgement.helps:
        case Helps.YES | Helps.PARTLY:
            boxes = [f"“{line.box or line.label}”" for line in missing if line.helps]
            ticked = f" if {in_words(_few(boxes))} {'stays' if len(boxes) == 1 else 'stay'} ticked" if boxes else ""
            return f"; a new link will help{' in part' if judgement.helps is Helps.PARTLY else ''}{ticked}"
        case Helps.VERIFY:
            return "; check the connection before you ask the person for anything"
        case Helps.NO:
            codes = {judgement.link_remedy} if judgement.link_remedy else {line.remedy for line in missing}
            who = {REMEDIES[code].who for code in codes if code}
            return "; an engineer has to fix it, and no link helps before" if who == {"engineer"} else "; no link helps"
    return ""


def _few(words: Sequence[str]) -> list[str]:
    """At most so many as can be listened to; the rest is a number."""
    return list(words) if len(words) <= MOST else [*words[: MOST - 1], f"{len(words) - MOST + 1} more"]
