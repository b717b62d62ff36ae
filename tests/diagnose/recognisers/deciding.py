"""Which family of recognisers reads a text."""

from __future__ import annotations

from types import ModuleType

from scopes.catalogue import default
from scopes.diagnose import ErrorVerdict, read_report
from scopes.diagnose.diagnosis import read_error
from scopes.diagnose.recogniser import Clue
from tests.diagnose.samples import FILES_OF_SAMPLES, line, said, samples

BY_ID = {sample["id"]: sample for file in FILES_OF_SAMPLES for sample in samples(file)}


def clues(family: ModuleType, text: str) -> list[Clue]:
    """What this family finds in the text."""
    error = read_error(read_report(text), default())
    return [clue for recogniser in family.RECOGNISERS for clue in recogniser(error)]


def decides(family: ModuleType, sample_id: str) -> None:
    """The sample is read rightly, by a clue of this family."""
    sample = BY_ID[sample_id]
    diagnosis = said(line(sample))
    assert diagnosis.verdict in sample["verdict_any_of"] and set(diagnosis.scopes) == set(sample["scopes_named"])
    found = [(clue.verdict, clue.scopes) for clue in clues(family, line(sample))]
    assert (diagnosis.verdict, diagnosis.scopes) in found


def proves(family: ModuleType, text: str, verdict: ErrorVerdict) -> None:
    """The text has this verdict, and this family finds it."""
    assert said(text).verdict is verdict
    assert verdict in [clue.verdict for clue in clues(family, text)]
