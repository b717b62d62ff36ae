"""From an error text to what it proves: whether a scope is missing, which one, and what the text does not prove.

`error_report` holds what was received. `error_text` makes one readable, masked text of it. Each of the `recognisers`
looks at that text and may return clues. `diagnosis` chooses the strongest clue and makes the result. `for_connection`
adds the records of one connection. No models, no Django; nothing is stored.
"""

from scopes.diagnose.diagnosis import diagnose
from scopes.diagnose.error_report import ErrorReport, read_json_report, read_report
from scopes.diagnose.for_connection import diagnose_connection
from scopes.diagnose.identifiers import identifiers
from scopes.diagnose.masked_copy import masked_copy
from scopes.diagnose.masking import mask
from scopes.diagnose.result import MEANINGS, Diagnosis, ErrorVerdict, Quotation, with_reasons
from scopes.diagnose.text_output import render_text

__all__ = [
    "MEANINGS",
    "Diagnosis",
    "ErrorReport",
    "ErrorVerdict",
    "Quotation",
    "diagnose",
    "diagnose_connection",
    "identifiers",
    "mask",
    "masked_copy",
    "read_json_report",
    "read_report",
    "render_text",
    "with_reasons",
]
