"""From an error text to what it proves: was a scope missing, which, and what the text does not prove.

`report` is what was received, `reading` makes one readable and masked text of it, the `families` of recognisers look
at that, `diagnosis` weighs what they found, and in `connection` the facts of one decide. Knows no models and no Django;
nothing is kept.
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
