"""What a text proves of one connection: the text tells what is missing, the connection's own facts tell why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scopes.catalogue import Catalogue
from scopes.diagnose.diagnosis import diagnose
from scopes.diagnose.error_report import ErrorReport
from scopes.diagnose.result import Diagnosis, ErrorVerdict, with_reasons
from scopes.judge.rules import Judgement

# Where the link itself is the trouble, and this is its remedy, nothing that is done about a scope can help.
_ONLY_REMEDIES = ("connect_successor", "phone_settings")
_NOTHING_TO_MEND = (ErrorVerdict.NOT_A_SCOPE_PROBLEM, ErrorVerdict.UNRECOGNISED)


def diagnose_connection(
    report: ErrorReport,
    catalogue: Catalogue,
    provider: str,
    judgement_with: Callable[[tuple[str, ...]], Judgement],
) -> Diagnosis:
    """What the report proves, decided by the facts of a connection to `provider` (its slug in the catalogue).

    `judgement_with` tells what is concluded of the connection as if these scopes (canonical) were needed too. A text
    that does not show its provider is read as one of this provider; one of another provider is not decided.
    """
    diagnosis = diagnose(report, catalogue)
    if diagnosis.provider is None:
        diagnosis = diagnose(replace(report, provider=provider), catalogue)
    if diagnosis.provider not in (None, provider):
        unproved = "Anything of this connection: the text is about another provider, so its facts were left aside."
        return replace(diagnosis, unproven=(unproved, *diagnosis.unproven))
    judgement = judgement_with(diagnosis.canonical or diagnosis.suspects)
    decided = with_reasons(diagnosis, reasons_of(judgement))
    if judgement.link_remedy in _ONLY_REMEDIES and decided.verdict not in _NOTHING_TO_MEND:
        return replace(decided, remedy=judgement.link_remedy, link_reason=judgement.link_reason)
    return decided


def reasons_of(judgement: Judgement) -> dict[str, str]:
    """Scope -> the code of why it is missing, for every need that is not known to be met.

    Of a need with alternatives the one to ask for first stands for all; a scope that is needed by itself has its own.
    """
    wanting = sorted((line for line in judgement.lines if line.reason), key=lambda line: -len(line.scopes))
    return {line.scopes[0]: line.reason for line in wanting}
