"""The result of a diagnosis: verdict, scopes, remedy, quotations, and what is not proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from scopes.reasons import LINK_REASONS, SCOPE_REASONS


class ErrorVerdict(StrEnum):
    """What the text proves."""

    MISSING_SCOPE = "missing_scope"
    SCOPE_REFUSED = "scope_refused"
    CONSENT_REFUSED = "consent_refused"
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a verdict, not a password
    NOT_A_SCOPE_PROBLEM = "not_a_scope_problem"
    UNRECOGNISED = "unrecognised"


MEANINGS = {
    ErrorVerdict.MISSING_SCOPE: "The token lacks a permission.",
    ErrorVerdict.SCOPE_REFUSED: "The provider refused a scope for our client, or does not know it.",
    ErrorVerdict.CONSENT_REFUSED: "The person did not consent, or cancelled.",
    ErrorVerdict.TOKEN_INVALID: "The token is not accepted: expired, revoked or replaced.",
    ErrorVerdict.NOT_A_SCOPE_PROBLEM: "The cause is not a scope.",
    ErrorVerdict.UNRECOGNISED: "The text matches no known error.",
}

REMEDIES = {
    ErrorVerdict.MISSING_SCOPE: "reauthenticate",
    ErrorVerdict.SCOPE_REFUSED: "change_console",
    ErrorVerdict.CONSENT_REFUSED: "reauthenticate",
    ErrorVerdict.TOKEN_INVALID: "reauthenticate",
    ErrorVerdict.NOT_A_SCOPE_PROBLEM: "verify",
    ErrorVerdict.UNRECOGNISED: "verify",
}

UNPROVEN = {
    ErrorVerdict.MISSING_SCOPE: (
        "Whether the person declined the scope, we never asked for it, or the provider never approved it for us."
    ),
    ErrorVerdict.SCOPE_REFUSED: "Whether the scope is misspelt, retired, or only not enabled for our client.",
    ErrorVerdict.CONSENT_REFUSED: "Whether the person meant it: some pages report a closed window in the same words.",
    ErrorVerdict.TOKEN_INVALID: "Why the token is not accepted, and whether the connection lacks a scope besides.",
    ErrorVerdict.NOT_A_SCOPE_PROBLEM: "That all scopes are granted.",
    ErrorVerdict.UNRECOGNISED: "Anything. A missing scope can hide behind any status from 200 to 500.",
}


@dataclass(frozen=True, slots=True)
class Quotation:
    """A short masked quotation, and the recogniser that matched it."""

    recogniser: str
    quote: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.recogniser}: “{self.quote}”" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a text proves, and what it does not.

    `scopes` are as the text names them, `canonical` the same, in the same order, as the catalogue resolves them; with
    `alternatives` any one of them would do. `suspects` are scopes that the text does not name, but that are behind such
    an error in known cases. `reasons` (scope, reason code) come from a connection's own facts, see `with_reasons`;
    `link_reason` is why no remedy but one helps that connection.
    """

    verdict: ErrorVerdict
    remedy: str
    scopes: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()
    alternatives: bool = False
    provider: str | None = None
    evidence: tuple[Quotation, ...] = ()
    unproven: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    link_reason: str = ""

    @property
    def facts(self) -> tuple[str, ...]:
        """What the connection's own facts add, in sentences."""
        found = [(f"{scope}: ", SCOPE_REASONS[code]) for scope, code in self.reasons]
        if self.link_reason:
            found.append(("", LINK_REASONS[self.link_reason]))
        return tuple(f"{about}{reason.title}. {reason.meaning}" for about, reason in found)

    def as_data(self) -> dict[str, object]:
        """JSON-ready: verdict, scopes, alternatives, provider, remedy, evidence."""
        return {
            "verdict": self.verdict.value,
            "scopes": list(self.scopes),
            "alternatives": self.alternatives,
            "provider": self.provider,
            "remedy": self.remedy,
            "evidence": [*map(str, self.evidence), *(f"connection: {fact}" for fact in self.facts)],
        }


# In the order in which they must be done: a link cannot help before the console and our request are right.
_FIRST_THINGS = (
    "change_console",
    "change_request",
    "phone_settings",
    "connect_successor",
    "verify",
    "reauthenticate",
    "respect",
)


def with_reasons(diagnosis: Diagnosis, reasons: Mapping[str, str]) -> Diagnosis:
    """The diagnosis, decided by a connection's own facts.

    `reasons` maps each scope that the connection lacks (canonical name) to its code in `SCOPE_REASONS`. Only a missing
    or refused scope can be decided so. Where the text names no scope, its suspects are looked up, and then all that the
    connection lacks. The remedy becomes that of the reason: of the one that must be dealt with first, or, among
    alternatives, of the easiest. A person who said no is not asked again where all that is lacking is waived.
    """
    if diagnosis.verdict is ErrorVerdict.CONSENT_REFUSED:
        return _with_waivers(diagnosis, reasons)
    if diagnosis.verdict not in (ErrorVerdict.MISSING_SCOPE, ErrorVerdict.SCOPE_REFUSED):
        return diagnosis
    candidates = (
        tuple(dict.fromkeys(diagnosis.canonical))
        or tuple(scope for scope in diagnosis.suspects if scope in reasons)
        or tuple(reasons)
    )
    found = tuple((scope, reasons[scope]) for scope in candidates if reasons.get(scope) in SCOPE_REASONS)
    held = tuple(scope for scope in diagnosis.canonical if scope not in reasons)
    unproved = f"The connection's own facts show {', '.join(held)} as granted: this text may be about an older token."
    unproven = (*diagnosis.unproven, unproved) if held and not diagnosis.alternatives else diagnosis.unproven
    if not found:
        return replace(diagnosis, unproven=unproven)
    remedies = sorted((SCOPE_REASONS[code].remedy for _, code in found), key=_FIRST_THINGS.index)
    remedy = remedies[-1] if diagnosis.alternatives else remedies[0]
    unproven = tuple(unproved for unproved in unproven if unproved != UNPROVEN[ErrorVerdict.MISSING_SCOPE])
    return replace(diagnosis, reasons=found, remedy=remedy, unproven=unproven)


def _with_waivers(diagnosis: Diagnosis, reasons: Mapping[str, str]) -> Diagnosis:
    """A refused consent with the scopes whose refusal is respected; with nothing else to ask for, nobody is asked."""
    candidates = diagnosis.canonical or tuple(reasons)
    waived = tuple((scope, "waived") for scope in candidates if reasons.get(scope) == "waived")
    if not waived:
        return diagnosis
    all_waived = all(reasons.get(scope) in ("waived", None) for scope in candidates)
    return replace(diagnosis, reasons=waived, remedy="respect" if all_waived else diagnosis.remedy)
