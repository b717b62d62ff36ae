"""A diagnosis as text."""

from __future__ import annotations

from scopes.catalogue import Catalogue
from scopes.diagnose.result import MEANINGS, Diagnosis
from scopes.reasons import REMEDIES


def render_text(diagnosis: Diagnosis, catalogue: Catalogue) -> str:
    """Some lines: the verdict, provider, scopes, what to do, the evidence, and what is not proved."""
    provider = catalogue.providers.get(diagnosis.provider or "")
    remedy = REMEDIES[diagnosis.remedy]
    lines = [f"{diagnosis.verdict.value}: {MEANINGS[diagnosis.verdict]}"]
    if provider:
        lines.append(f"  Provider: {provider.name}")
    if diagnosis.scopes:
        lines.append(f"  {'Any one of these scopes' if diagnosis.alternatives else 'Scopes'}: {_scopes(diagnosis)}")
    if diagnosis.suspects:
        lines.append(f"  Not named, but the usual cause: {', '.join(diagnosis.suspects)}")
    lines += [f"  {fact}" for fact in diagnosis.facts]
    lines.append(f"  {remedy.title}: {remedy.action}")
    lines += [f"  Evidence: {piece}" for piece in diagnosis.evidence]
    lines += [f"  Not proved: {unproved}" for unproved in diagnosis.unproven]
    return "\n".join(lines)


def _scopes(diagnosis: Diagnosis) -> str:
    """The names as the error text spells them, each with the catalogue's name if that is different."""
    own = dict(zip(diagnosis.scopes, diagnosis.canonical, strict=True))
    return ", ".join(named if named == name else f"{named} ({name})" for named, name in own.items())
