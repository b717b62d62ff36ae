"""From a report to its diagnosis: all recognisers look at the text, and the clue with the greatest weight decides."""

from __future__ import annotations

from dataclasses import replace

from scopes.catalogue import Catalogue, Provider
from scopes.diagnose import providers
from scopes.diagnose.english_words import PROSE
from scopes.diagnose.error_report import ErrorReport
from scopes.diagnose.error_text import ErrorText, status_of, text_of
from scopes.diagnose.granted_scopes import granted
from scopes.diagnose.recogniser import Clue
from scopes.diagnose.recognisers import RECOGNISERS
from scopes.diagnose.result import REMEDIES, UNPROVEN, Diagnosis, ErrorVerdict, Quotation
from scopes.diagnose.scope_names import unique

QUOTE = 160
MARGIN = 30
MOST_SCOPES = 100
MOST_EVIDENCE = 5

# Among clues of the same weight, the verdict that is listed first wins.
_RANK = list(ErrorVerdict)


def diagnose(report: ErrorReport, catalogue: Catalogue) -> Diagnosis:
    """The diagnosis of a report. Never raises; takes less than a second for any input."""
    error = read_error(report, catalogue)
    clues = [clue for recognise in RECOGNISERS for clue in recognise(error)]
    if not clues:
        return _unrecognised(error)
    decisive = max(clues, key=lambda clue: (clue.weight, bool(clue.scopes), -_RANK.index(clue.verdict)))
    agreeing = [clue for clue in clues if clue.verdict is decisive.verdict]
    held = granted(error.text) if decisive.verdict is ErrorVerdict.MISSING_SCOPE else frozenset()
    naming = _naming(agreeing, held)
    provider = error.provider or catalogue.providers.get(decisive.provider)
    scopes = unique(scope for clue in naming for scope in clue.scopes)[:MOST_SCOPES]
    return Diagnosis(
        verdict=decisive.verdict,
        remedy=_remedy(decisive, provider),
        scopes=scopes,
        canonical=tuple(provider.canonical(scope) if provider else scope for scope in scopes),
        alternatives=bool(scopes) and any(clue.any_of for clue in naming),
        provider=provider.slug if provider else None,
        evidence=_evidence([decisive, *naming], error.text),
        unproven=_unproven(decisive, scopes, provider),
        suspects=() if scopes else decisive.suspects,
    )


def read_error(report: ErrorReport, catalogue: Catalogue) -> ErrorText:
    """The report as the text that recognisers look at."""
    text = text_of(report)
    provider = providers.named(report.provider, catalogue) or providers.shown(text, catalogue)
    entries = [provider] if provider else list(catalogue.providers.values())
    spellings = frozenset(spelling.lower() for entry in entries for spelling in entry.names)
    # Of all providers together, many words of sentences are a scope of one.
    known = spellings if provider else spellings - PROSE
    return ErrorText(text, status_of(report, text), provider, known)


def _naming(agreeing: list[Clue], held: frozenset[str]) -> list[Clue]:
    """The clues of the recogniser with the greatest weight among those that name scopes.

    Scopes that are `held` (lower case) are left out: the text says that they are granted.
    """
    without = (
        replace(clue, scopes=tuple(scope for scope in clue.scopes if scope.lower() not in held)) for clue in agreeing
    )
    naming = [clue for clue in without if clue.scopes]
    if not naming:
        return []
    best = max(naming, key=lambda clue: clue.weight)
    return [clue for clue in naming if clue.recogniser == best.recogniser]


def _remedy(decisive: Clue, provider: Provider | None) -> str:
    if decisive.remedy:
        return decisive.remedy
    if (
        provider
        and provider.on_device
        and decisive.verdict in (ErrorVerdict.MISSING_SCOPE, ErrorVerdict.CONSENT_REFUSED)
    ):
        return "phone_settings"
    return REMEDIES[decisive.verdict]


def _evidence(clues: list[Clue], text: str) -> tuple[Quotation, ...]:
    return unique(Quotation(clue.recogniser, _quote(text, clue.start, clue.end), _note(clue)) for clue in clues)[
        :MOST_EVIDENCE
    ]


def _quote(text: str, start: int, end: int) -> str:
    """The matched text with a few words around it, on one line."""
    before, after = text[max(0, start - MARGIN) : start], text[end : end + MARGIN]
    before = before.partition(" ")[2] if start > MARGIN else before
    after = after.rpartition(" ")[0] if end + MARGIN < len(text) else after
    quote = " ".join((before + text[start:end] + after).split())
    return quote if len(quote) <= QUOTE else quote[: QUOTE - 1] + "…"


def _note(clue: Clue) -> str:
    return f"usually {', '.join(clue.suspects)}; the text does not say" if clue.suspects else ""


def _unproven(decisive: Clue, scopes: tuple[str, ...], provider: Provider | None) -> tuple[str, ...]:
    caveats = [decisive.caveat, UNPROVEN[decisive.verdict]]
    if decisive.verdict is ErrorVerdict.MISSING_SCOPE and not scopes:
        caveats.append("Which scope: the text names none.")
    if provider and provider.retired_on:
        caveats.append(
            f"{provider.name} ends, or has ended, on {provider.retired_on}: from then on only its successor helps."
        )
    return tuple(caveat for caveat in caveats if caveat)


def _unrecognised(error: ErrorText) -> Diagnosis:
    return Diagnosis(
        verdict=ErrorVerdict.UNRECOGNISED,
        remedy=REMEDIES[ErrorVerdict.UNRECOGNISED],
        provider=error.provider.slug if error.provider else None,
        unproven=(UNPROVEN[ErrorVerdict.UNRECOGNISED],),
    )
