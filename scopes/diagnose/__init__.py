"""From an error text to what it proves: was a scope missing, which, and what the text does not prove.

`report` is what was received, `reading` makes one readable and masked text of it, the `families` of recognisers look
at that, `diagnosis` weighs what they found, and in `connection` the facts of one decide. Knows no models and no Django;
nothing is kept.
"""

from scopes.diagnose.answer import as_text
from scopes.diagnose.connection import diagnose_connection
from scopes.diagnose.diagnosis import diagnose
from scopes.diagnose.echo import echo
from scopes.diagnose.identifiers import identifiers
from scopes.diagnose.masking import mask
from scopes.diagnose.report import ErrorReport, read_json_report, read_report
from scopes.diagnose.verdicts import MEANINGS, Diagnosis, Evidence, Verdict, with_reasons

__all__ = [
    "MEANINGS",
    "Diagnosis",
    "ErrorReport",
    "Evidence",
    "Verdict",
    "as_text",
    "diagnose",
    "diagnose_connection",
    "echo",
    "identifiers",
    "mask",
    "read_json_report",
    "read_report",
    "with_reasons",
]
