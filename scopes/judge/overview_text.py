"""A person's overview as text and as JSON, for every door without a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scopes.judge.held_tokens import held_tokens, lines
from scopes.judge.person import ConnectionOverview, PersonOverview
from scopes.judge.rules import OPTIONAL
from scopes.judge.sentences import ExplainedLine
from scopes.models import Attempt
from scopes.reasons import REASONS, REMEDIES

HELD = {True: "granted", False: "missing", None: "not known"}


def as_data(account: PersonOverview) -> dict[str, Any]:
    """{"as_of", "person", "connections", "attempts", "named_for", "in_other_case"}, JSON-ready.

    Times are ISO 8601 in UTC.
    """
    person = account.person
    return {
        "as_of": account.as_of.isoformat() if account.as_of else None,
        "person": None
        if person is None
        else {
            "reference_id": person.reference_id,
            "email": person.email,
            "name": person.name,
            "locale": person.locale,
            "plan": person.plan,
        },
        "connections": [_connection(entry, today=account.as_of is None) for entry in account.connections],
        "attempts": [_attempt(attempt) for attempt in account.attempts],
        "named_for": [one.sentence_of_other for one in account.named_for],
        "in_other_case": [one.other_id for one in account.in_other_case],
    }


def as_text(account: PersonOverview) -> str:
    """The overview as lines of text, in the order in which an agent explains it."""
    return "\n".join(_lines(account))


def _connection(entry: ConnectionOverview, *, today: bool) -> dict[str, Any]:
    explanation, row = entry.explanation, entry.connection
    held = held_tokens(row) if today else None
    return {
        "provider": entry.provider.slug,
        "source": row.integration.source.key,
        "user_id": row.user_id,
        "reference_id": row.reference_id,
        "health": explanation.health.value,
        "since": explanation.since.isoformat(),
        "since_at_least": explanation.since_at_least,
        "consented_at": row.consented_at.isoformat() if row.consented_at else None,
        "policy": entry.policy.number,
        "reauth_helps": explanation.helps.value,
        "link": {
            "reason": explanation.link_reason or None,
            "remedy": explanation.link_remedy or None,
            "evidence": list(explanation.link_evidence),
        },
        "scopes": [_scope(line, _suspicions_of(entry, line)) for line in explanation.lines],
        "features": {
            "working": explanation.working,
            "failing": explanation.failing,
            "uncertain": explanation.uncertain,
        },
        "sentences": explanation.sentences,
        "refusals": explanation.refusals,
        "errors": entry.errors,
        "tokens": list(lines(held)) if held else None,
        "also_named": [
            {"reference_id": one.report.reference_id, "first_at": one.report.first_at.isoformat()}
            for one in entry.contradictions
        ],
    }


def _suspicions_of(entry: ConnectionOverview, line: ExplainedLine) -> list[str]:
    """The caveats about a need that is missing."""
    return [entry.suspicions[scope] for scope in line.scopes if scope in entry.suspicions] if line.held is False else []


def _scope(line: ExplainedLine, suspicions: list[str]) -> dict[str, Any]:
    return {
        "scopes": line.scopes,
        "label": line.label,
        "need": line.need,
        "held": line.held,
        "features": line.features,
        "reason": line.reason or None,
        "remedy": line.remedy or None,
        "reauth_helps": line.helps,
        "since": line.since.isoformat() if line.since else None,
        "since_at_least": line.since_at_least,
        "evidence": line.evidence,
        "suspicions": suspicions,
        "confirmed": line.confirmed,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "provider": attempt.provider.slug if attempt.provider else None,
        "source": attempt.source.key,
        "state": attempt.state,
        "result": attempt.result,
        "message": attempt.message,
        "started_at": attempt.started_at.isoformat(),
        "ended_at": attempt.ended_at.isoformat() if attempt.ended_at else None,
    }


def _lines(account: PersonOverview) -> Iterator[str]:
    person = account.person
    if account.as_of:
        yield f"As of {account.as_of:%-d %b %Y, %H:%M} UTC; name, e-mail address and plan are current"
    if person is None:
        yield "Unclaimed connections"
    else:
        details = " · ".join(part for part in (person.reference_id, person.email, person.locale, person.plan) if part)
        yield f"{person.name or 'A person without a name'} ({details})"
    yield from (f"  {one.sentence}" for one in account.in_other_case)
    yield from (f"  {one.sentence_of_other}" for one in account.named_for)
    if not account.connections:
        yield "  No connection was known at that time." if account.as_of else "  No connection."
    for entry in account.connections:
        yield ""
        yield from _connection_lines(entry)
        if account.as_of is None and (held := held_tokens(entry.connection)):
            yield from (f"  {line}" for line in lines(held))
    if account.attempts:
        yield ""
        yield "Attempts"
    for attempt in account.attempts:
        provider = attempt.provider.name if attempt.provider else "an unnamed provider"
        why = f": {attempt.result}" if attempt.result else ""
        yield f"  {attempt.started_at:%Y-%m-%d %H:%M} UTC  {provider}  {attempt.get_state_display().lower()}{why}"


def _connection_lines(entry: ConnectionOverview) -> Iterator[str]:
    explanation, row = entry.explanation, entry.connection
    since = f"since {'at least ' if explanation.since_at_least else ''}{explanation.since:%Y-%m-%d}"
    yield f"{entry.provider.name} through {row.integration.source}: {explanation.health.value} {since}"
    for sentence in (*explanation.sentences, *(one.sentence for one in entry.contradictions)):
        yield f"  {sentence}"
    for evidence in (*explanation.link_evidence, *explanation.refusals, *entry.errors):
        yield f"  {evidence}"
    for line in explanation.lines:
        optional = line.need == OPTIONAL
        if optional:
            continue
        words = f"{line.label} ({' | '.join(line.scopes)})"
        yield f"  [{'x' if line.held else '?' if line.held is None else ' '}] {words} — {line.need}, {HELD[line.held]}"
        if line.reason:
            reason, remedy = REASONS[line.reason], REMEDIES[line.remedy]
            yield f"      {reason.title} ({line.reason}): {reason.meaning} {reason.suffers}"
            yield f"      {remedy.title}: {'a new link helps' if line.helps else 'a new link won’t help'}."
            for evidence in (*line.evidence, *(f"Suspicion: {suspicion}" for suspicion in _suspicions_of(entry, line))):
                yield f"      {evidence}"
    spare = [scope for line in explanation.lines if line.need == OPTIONAL for scope in line.scopes]
    if spare:
        yield f"  Granted, not needed: {', '.join(spare)}"
    for title, names in (
        ("Works", explanation.working),
        ("Does not work", explanation.failing),
        ("Not known", explanation.uncertain),
    ):
        if names:
            yield f"  {title}: {', '.join(names)}"
