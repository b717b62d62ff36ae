"""What an engineer is asked to change, as a text: for what no link can fix. It names no person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from scopes.catalogue.entries import Provider
from scopes.judge.explain import Explanation
from scopes.judge.sentences import ExplainedLine
from scopes.models import Escalation as Record
from scopes.reasons import LINK_REASONS, SCOPE_REASONS
from scopes.sources import registry
from scopes.sources.gateway import key_of

ENGINEERS = frozenset({"change_request", "change_console", "raise_limit"})


@dataclass(frozen=True, slots=True)
class Where:
    """Which connection shows it: our own number of it, the kind and the name of its source, and the provider."""

    connection: int
    kind: str
    name: str
    provider: Provider


@dataclass(frozen=True, slots=True)
class Affected:
    """How many connections of the integration lack what (`scope=reason`, or a link's reason), counted when."""

    connections: Mapping[str, int]
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Escalation:
    """One text, and what it is about: `what` is `scope=reason`, or the reason of a broken link.

    `made` is the record of it, where an agent has escalated it.
    """

    code: str
    what: str
    title: str
    text: str
    made: Record | None = None


def escalations(account: Explanation, where: Where, affected: Affected) -> tuple[Escalation, ...]:
    """A text for each thing about this connection that an engineer has to fix; none where there is nothing."""
    return tuple(_all(account, where, affected))


def wanted(account: Explanation) -> bool:
    """Whether there is anything for an engineer."""
    return account.link_remedy in ENGINEERS or any(_for_engineers(line) for line in account.lines)


def _all(account: Explanation, where: Where, affected: Affected) -> Iterator[Escalation]:
    name = where.provider.name
    if account.link_remedy in ENGINEERS:
        reason = LINK_REASONS[account.link_reason]
        title = f"{name}: {reason.title.lower()}"
        wrong = [reason.meaning, f"What people notice: {reason.suffers}"]
        change = _change(account.link_remedy, "", where)
        text = _text(title, wrong, change, account.link_evidence, where, affected, reason.code)
        yield Escalation(reason.code, reason.code, title, text)
    for line in account.lines:
        if _for_engineers(line):
            reason, scope = SCOPE_REASONS[line.reason], line.scopes[0]
            title = f"{name}: {reason.title.lower()}, scope {scope}"
            features = f", {line.need} for {' and '.join(line.features)}" if line.features else ""
            wrong = [
                f"Scope: {scope} ({line.label}){features}.",
                reason.meaning,
                f"What people notice: {reason.suffers}",
            ]
            since = (f"Missing on this connection since {line.since:%-d %b %Y}.",) if line.since else ()
            evidence = (*since, *(one.replace("`", "") for one in line.evidence))
            change = _change(line.remedy, _requested_name(line, where.provider), where)
            what = f"{scope}={line.reason}"
            text = _text(title, wrong, change, evidence, where, affected, what)
            yield Escalation(line.reason, what, title, text)


def _for_engineers(line: ExplainedLine) -> bool:
    return line.held is not True and line.remedy in ENGINEERS


def _requested_name(line: ExplainedLine, provider: Provider) -> str:
    """The scope that is to be requested or approved: for a replaced one what replaces it."""
    scope = provider.by_name.get(line.scopes[0])
    return scope.successor if line.reason == "renamed" and scope and scope.successor else line.scopes[0]


def _change(remedy: str, scope: str, where: Where) -> str:
    name = where.provider.name
    if remedy == "raise_limit":
        return (
            f"Ask for more users of {name}: at {registry.title_of(where)}, or in {name}'s developer console for"
            " our client. Or free up places: disconnect people who left."
        )
    if remedy == "change_console":
        return (
            f"In {name}'s developer console, have {scope} approved for our client. Then write down in the policy what"
            " is approved, and publish it."
        )
    kind = registry.kind_of(where.kind)
    place = (
        kind.request_more(name, scope, where.name)
        if kind
        else f"In the host application, add {scope} to what is requested from {name}."
    )
    return (
        f"{place} Then publish a policy that requests it, in force from the moment of the change: only who consents"
        " after that is asked for it."
    )


def _text(
    title: str,
    wrong: list[str],
    change: str,
    evidence: tuple[str, ...],
    where: Where,
    affected: Affected,
    counted: str,
) -> str:
    number = affected.connections.get(counted, 0)
    when = f"counted {affected.counted_at:%-d %b %Y, %H:%M} UTC" if affected.counted_at else "not counted yet"
    connections = (
        f"{number:,} connection{'' if number == 1 else 's'}"
        if affected.counted_at
        else "An unknown number of connections"
    )
    lines = [
        title,
        "",
        f"Integration: {where.provider.name} through {key_of(where.kind, where.name)}",
        *wrong,
        "",
        f"What to change: {change}",
        "",
        f"Affected: {connections} of this integration ({when}). A reauth link won’t help before that.",
        f"Seen on connection {where.connection} of the scope desk:",
        *(f"- {one}" for one in evidence),
    ]
    return "\n".join(lines)
