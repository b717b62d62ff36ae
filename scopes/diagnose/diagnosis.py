"""From a report to what it proves: every recogniser looks at it, the weightiest finding decides."""

from __future__ import annotations

from dataclasses import replace

from scopes.catalogue import Catalogue, Provider
from scopes.diagnose import providers
from scopes.diagnose.families import RECOGNISERS
from scopes.diagnose.granted import granted
from scopes.diagnose.naming import once
from scopes.diagnose.reading import Exhibit, status_of, text_of
from scopes.diagnose.recognise import Finding
from scopes.diagnose.report import ErrorReport
from scopes.diagnose.verdicts import REMEDIES, UNPROVEN, Diagnosis, Evidence, Verdict

QUOTE = 160
MARGIN = 30
MOST_SCOPES = 100
MOST_EVIDENCE = 5

# Between findings of the same weight the one that says more wins.
_RANK = list(Verdict)


def diagnose(report: ErrorReport, catalogue: Catalogue) -> Diagnosis:
    """What the report proves. Never raises, and takes less than a second whatever it is given."""
    exhibit = exhibit_of(report, catalogue)
    findings = [finding for recognise in RECOGNISERS for finding in recognise(exhibit)]
    if not findings:
        return _unrecognised(exhibit)
    decisive = max(findings, key=lambda finding: (finding.weight, bool(finding.scopes), -_RANK.index(finding.verdict)))
    agreeing = [finding for finding in findings if finding.verdict is decisive.verdict]
    held = granted(exhibit.text) if decisive.verdict is Verdict.MISSING_SCOPE else frozenset()
    naming = _naming(agreeing, held)
    provider = exhibit.provider or catalogue.providers.get(decisive.provider)
    scopes = once(scope for finding in naming for scope in finding.scopes)[:MOST_SCOPES]
    return Diagnosis(
        verdict=decisive.verdict,
        remedy=_remedy(decisive, provider),
        scopes=scopes,
        canonical=tuple(provider.canonical(scope) if provider else scope for scope in scopes),
        alternatives=bool(scopes) and any(finding.any_of for finding in naming),
        provider=provider.slug if provider else None,
        evidence=_evidence([decisive, *naming], exhibit.text),
        unproven=_unproven(decisive, scopes, provider),
        suspects=() if scopes else decisive.suspects,
    )


def exhibit_of(report: ErrorReport, catalogue: Catalogue) -> Exhibit:
    """The report as the recognisers look at it."""
    text = text_of(report)
    provider = providers.named(report.provider, catalogue) or providers.shown(text, catalogue)
    entries = [provider] if provider else list(catalogue.providers.values())
    known = frozenset(spelling.lower() for entry in entries for spelling in entry.names)
    return Exhibit(text, status_of(report, text), provider, known)


def _naming(agreeing: list[Finding], held: frozenset[str]) -> list[Finding]:
    """The findings of the weightiest recogniser that names scopes: others may name what is only near.

    Without those that are `held` (small letters): what the text says is granted is not what is missing.
    """
    without = (
        replace(finding, scopes=tuple(scope for scope in finding.scopes if scope.lower() not in held))
        for finding in agreeing
    )
    naming = [finding for finding in without if finding.scopes]
    if not naming:
        return []
    best = max(naming, key=lambda finding: finding.weight)
    return [finding for finding in naming if finding.recogniser == best.recogniser]


def _remedy(decisive: Finding, provider: Provider | None) -> str:
    if decisive.remedy:
        return decisive.remedy
    if provider and provider.on_device and decisive.verdict in (Verdict.MISSING_SCOPE, Verdict.CONSENT_REFUSED):
        return "phone_settings"
    return REMEDIES[decisive.verdict]


def _evidence(findings: list[Finding], text: str) -> tuple[Evidence, ...]:
    return once(
        Evidence(finding.recogniser, _quote(text, finding.start, finding.end), _note(finding)) for finding in findings
    )[:MOST_EVIDENCE]


def _quote(text: str, start: int, end: int) -> str:
    """What was matched, with a few words before and after it, on one line."""
    before, after = text[max(0, start - MARGIN) : start], text[end : end + MARGIN]
    before = before.partition(" ")[2] if start > MARGIN else before
    after = after.rpartition(" ")[0] if end + MARGIN < len(text) else after
    quote = " ".join((before + text[start:end] + after).split())
    return quote if len(quote) <= QUOTE else quote[: QUOTE - 1] + "…"


def _note(finding: Finding) -> str:
    return f"usually {', '.join(finding.suspects)}; the text does not say" if finding.suspects else ""


def _unproven(decisive: Finding, scopes: tuple[str, ...], provider: Provider | None) -> tuple[str, ...]:
    caveats = [decisive.caveat, UNPROVEN[decisive.verdict]]
    if decisive.verdict is Verdict.MISSING_SCOPE and not scopes:
        caveats.append("Which scope: the text names none.")
    if provider and provider.retired_on:
        caveats.append(
            f"{provider.name} ends, or has ended, on {provider.retired_on}: from then on only its successor helps."
        )
    return tuple(caveat for caveat in caveats if caveat)


def _unrecognised(exhibit: Exhibit) -> Diagnosis:
    return Diagnosis(
        verdict=Verdict.UNRECOGNISED,
        remedy=REMEDIES[Verdict.UNRECOGNISED],
        provider=exhibit.provider.slug if exhibit.provider else None,
        unproven=(UNPROVEN[Verdict.UNRECOGNISED],),
    )
