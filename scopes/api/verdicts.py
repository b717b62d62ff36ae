"""What is missing and why, as the API writes it: in the desk's words, and in those that the person reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

from ninja import Schema
from pydantic import StringConstraints

from scopes.judge.rules import OPTIONAL, VerdictLine
from scopes.judge.sentences import ExplainedLine
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS
from scopes.reauth.consent_text import Permission as PersonPermission

STORABLE = r"^[^\x00]*$"

Slug = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z0-9_]+$")]
SourceKey = Annotated[str, StringConstraints(min_length=1, max_length=81, pattern=STORABLE)]
ReferenceId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=STORABLE)]
ScopeName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=STORABLE)]


class ReasonOut(Schema):
    """Why. `code` is stable; `meaning` is for the support team, `person` is what to show the person, perhaps empty."""

    code: str
    title: str
    meaning: str
    person: str = ""


class RemedyOut(Schema):
    """What would fix it, and who can: person, engineer, support or nobody."""

    code: str
    title: str
    who: str
    action: str


class PersonWords(Schema):
    """The same for the person, in their language: what it is, what for, how the provider's consent screen calls it."""

    label: str
    why: list[str]
    called: str


class MissingOut(Schema):
    """A scope that a feature needs, or any one of several. `granted` is null where the source does not report."""

    scopes: list[str]
    label: str
    need: str
    granted: bool | None
    features: list[str]
    since: datetime | None = None
    since_at_least: bool = False
    reason: ReasonOut | None
    remedy: RemedyOut | None
    link_helps: bool
    person: PersonWords | None = None


def reason_of(code: str, person: str = "") -> ReasonOut | None:
    """The reason of a scope or of a link; None for no code."""
    found = SCOPE_REASONS.get(code) or LINK_REASONS.get(code)
    return ReasonOut(code=found.code, title=found.title, meaning=found.meaning, person=person) if found else None


def remedy_of(code: str) -> RemedyOut | None:
    """The remedy; None for no code."""
    found = REMEDIES.get(code)
    return RemedyOut(code=found.code, title=found.title, who=found.who, action=found.action) if found else None


def missing_of(line: VerdictLine, labels: Mapping[str, str]) -> MissingOut:
    """A line of a verdict, without its dates. `labels` are those of scopes, by name."""
    return MissingOut(
        scopes=list(line.scopes),
        label=" or ".join(labels.get(scope, scope) for scope in line.scopes),
        need=line.need,
        granted=line.held,
        features=list(line.features),
        reason=reason_of(line.reason),
        remedy=remedy_of(line.remedy),
        link_helps=bool(line.remedy) and REMEDIES[line.remedy].by_reauth,
    )


def explained(line: ExplainedLine, features: Iterable[str], person: PersonPermission) -> MissingOut:
    """A line of an explanation, with the keys of the features that need it and the words for the person."""
    return MissingOut(
        scopes=list(line.scopes),
        label=line.label,
        need=line.need,
        granted=line.held,
        features=list(features),
        since=line.since,
        since_at_least=line.since_at_least,
        reason=reason_of(line.reason, person.reason),
        remedy=remedy_of(line.remedy),
        link_helps=line.helps,
        person=PersonWords(label=person.label, why=list(person.why), called=person.called),
    )


def is_missing(line: VerdictLine | ExplainedLine) -> bool:
    """Whether it is a need that is not met, or not known to be."""
    return line.need != OPTIONAL and line.held is not True
