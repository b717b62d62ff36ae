"""What an explanation contains: the result of `judge.explain`, shown by every door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scopes.reasons import Health, Helps


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
class Explanation:
    """What one connection's verdict means. `sentences` can be read aloud in their order.

    `working`, `failing` and `uncertain` are features. `refusals` say what data the provider refused since the consent:
    they are evidence and change no reason.
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
    sentences: tuple[str, ...]
    refusals: tuple[str, ...] = ()
