"""A diagnosis for one connection: the error text says what is missing, the connection's records say why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scopes.catalogue import Catalogue
from scopes.diagnose.diagnosis import diagnose
from scopes.diagnose.error_report import ErrorReport
from scopes.diagnose.result import Diagnosis, ErrorVerdict, with_reasons
from scopes.judge.rules import Judgement

# If the link itself is broken and has one of these remedies, nothing else can help.
_ONLY_REMEDIES = ("connect_successor", "phone_settings")
_NO_REMEDY_NEEDED = (ErrorVerdict.NOT_A_SCOPE_PROBLEM, ErrorVerdict.UNRECOGNISED)


def diagnose_connection(
    report: ErrorReport,
    catalogue: Catalogue,
    provider: str,
    judgement_with: Callable[[tuple[str, ...]], Judgement],
) -> Diagnosis:
    """The diagnosis, with reasons and remedy from the records of a connection to `provider` (a slug of the catalogue).

    `judgement_with` returns the connection's judgement as if these scopes (canonical) were required too. A text that
    does not show its provider is read as one of this provider. For a text of another provider the records are ignored.
    """
    diagnosis = diagnose(report, catalogue)
    if diagnosis.provider is None:
        diagnosis = diagnose(replace(report, provider=provider), catalogue)
    if diagnosis.provider not in (None, provider):
        unproved = "Anything of this connection: the text is about another provider, so its facts were left aside."
        return replace(diagnosis, unproven=(unproved, *diagnosis.unproven))
    judgement = judgement_with(diagnosis.canonical or diagnosis.suspects)
    decided = with_reasons(diagnosis, reasons_of(judgement))
    if judgement.link_remedy in _ONLY_REMEDIES and decided.verdict not in _NO_REMEDY_NEEDED:
        return replace(decided, remedy=judgement.link_remedy, link_reason=judgement.link_reason)
    return decided


def reasons_of(judgement: Judgement) -> dict[str, str]:
    """Scope -> reason code, for every need that is not known to be met.

    A need with alternatives is listed under the alternative to request first, unless that scope has a need of its own.
    """
    wanting = sorted((line for line in judgement.lines if line.reason), key=lambda line: -len(line.scopes))
    return {line.scopes[0]: line.reason for line in wanting}
