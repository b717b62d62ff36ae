"""Ids and addresses in a text that may name a person or a connection, to be looked up and not stored."""

from __future__ import annotations

import re

from scopes.diagnose.error_report import ErrorReport
from scopes.diagnose.error_text import relevant_headers, unmasked
from scopes.diagnose.masking import mask
from scopes.diagnose.scope_names import unique

MOST = 20
LONGEST = 255

_UUID = re.compile(r"(?i)(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])")
_KEYED = re.compile(
    r"(?i)(?<![a-z])(?:(?:client_?|end_?|terra_?|old_?|new_?)?user_?(?:id)?|uid|reference_?(?:id)?|external_?id)"
    r"[\"']{0,2}\s{0,3}(?:=>|[:=])\s{0,3}[\"']?([^\s\"',;&<>(){}\[\]]{1,255})"
)
_SEPARATORS = re.compile(r"[\s\"'`<>,;=&?#/|(){}\[\]\\]+")
_ID = re.compile(r"(?=[^0-9]*[0-9]|[^_-]*[\w][_-]\w)[\w.:+-]{4,255}")
_EMAIL = re.compile(r"[^@]{1,64}@[^@]{1,190}")
_NO_IDS = frozenset({"null", "none", "undefined", "unknown", "masked", "true", "false"})


def identifiers(report: ErrorReport) -> tuple[str, ...]:
    """At most 20 words, the likeliest first.

    First UUIDs, then what stands behind `user_id=` and its like, then e-mail addresses, then whatever has the form of
    an id and is no secret, with a digit before without. They stand in the text as they are here, but for escapes. Not
    masked: neither to be shown nor kept.
    """
    text = unmasked("\n".join([*relevant_headers(report).values(), report.body]))
    words = _words(text)
    like_ids = [word for word in _words(mask(text)) if _ID.fullmatch(word)]
    found = (
        *(match[0].lower() for match in _UUID.finditer(text)),
        *(match[1] for match in _KEYED.finditer(text)),
        *(word for word in words if _EMAIL.fullmatch(word)),
        *sorted(like_ids, key=lambda word: not any(letter.isdigit() for letter in word)),
    )
    plain = (word.strip(".:!") for word in found)
    return unique(word for word in plain if word and len(word) <= LONGEST and word.lower() not in _NO_IDS)[:MOST]


def _words(text: str) -> list[str]:
    """The words of the text; of `key:value` the value too."""
    words = [word.strip(".:!") for word in _SEPARATORS.split(text)]
    return [part for word in words for part in (word, word.rpartition(":")[2])]
