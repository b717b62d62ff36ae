"""An event of many megabytes, read without building what it holds: the health data is checked and skipped."""

from __future__ import annotations

import codecs
import json
import re
from mmap import mmap
from threading import local
from typing import Any

from msgspec import DecodeError, Raw, Struct, ValidationError, defstruct
from msgspec.json import decode

from scopes.sources.fields import PayloadError

FIELDS = (
    "type", "status", "version", "message", "reason", "reference_id", "user", "new_user", "old_user", "old_user_id",
    "scopes_added", "scopes_removed", "widget_session_id", "flow_id", "data",
)  # fmt: skip
LONGEST_FIELD = 1024 * 1024
LONGEST_METADATA = 64 * 1024
MOST_ENTRIES = 50_000
MOST_REPLACED = 100_000
PIECE = 1024 * 1024

_NOTHING = Raw(b"")
_Event = defstruct("_Event", [(name, Raw, _NOTHING) for name in FIELDS])
# What Python's json reads and writes although it is no JSON that others accept: half a surrogate pair, and no number.
# What Python's json accepts beyond other parsers: half a surrogate pair, and what is no number.
_ONLY_PYTHONS = re.compile(
    rb"\\+u[dD](?:[89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|[c-fC-F][0-9a-fA-F]{2})|NaN|-?Infinity"
)


class _Count(local):
    entries = 0


_count = _Count()


class _Entry(Struct, gc=False):
    metadata: Raw = _NOTHING

    def __post_init__(self) -> None:
        _count.entries += 1
        if _count.entries > MOST_ENTRIES:
            raise ValueError(f"more than {MOST_ENTRIES} entries of data")


def read_large(body: bytes | mmap) -> dict[str, Any]:
    """What `json.loads` gives, of the fields that matter; of each entry of `data` only the times in its metadata.

    Holds no more memory for a body that is larger. Where the entries are more than 50,000, or are no objects, they
    stand as one without a time. Raises ValueError or RecursionError for what is no JSON, or no event.
    """
    _check_text(body)
    event = _event(body)
    read = {name: _value(name, raw) for name in FIELDS if name != "data" and (raw := getattr(event, name))}
    if event.data:
        read["data"] = _data(event.data)
    return read


def _check_text(body: bytes | mmap) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), PIECE):
        decoder.decode(body[start : start + PIECE])
    decoder.decode(b"", final=True)


def _event(body: bytes | mmap) -> Any:
    try:
        try:
            return decode(body, type=_Event)
        except ValidationError:
            raise
        except DecodeError:
            return decode(_ONLY_PYTHONS.sub(_as_json, body, count=MOST_REPLACED), type=_Event)
    except ValidationError:
        raise PayloadError("an event must be an object") from None


def _as_json(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if not text.startswith(b"\\"):
        return b"null" if found.string[found.start() - 1 : found.start()] in b"[:, \t\r\n" else text
    backslashes = text.index(b"u")
    whole_pair, escaped = found[1], backslashes % 2 == 0
    return text if whole_pair or escaped else text[: backslashes - 1] + rb"\ufffd"


def _value(name: str, raw: Raw) -> Any:
    if len(raw) > LONGEST_FIELD:
        raise PayloadError(f"{name} is longer than {LONGEST_FIELD} bytes")
    return json.loads(bytes(raw))


def _data(raw: Raw) -> Any:
    if bytes(memoryview(raw)[:1]) != b"[":
        return None
    _count.entries = 0
    try:
        entries = decode(raw, type=list[_Entry])
    except ValidationError:
        return [{}]
    return [{"metadata": _times(entry.metadata)} for entry in entries]


def _times(raw: Raw) -> dict[str, Any]:
    metadata = json.loads(bytes(raw)) if 0 < len(raw) <= LONGEST_METADATA else None
    if not isinstance(metadata, dict):
        return {}
    return {key: metadata[key] for key in ("start_time", "end_time") if isinstance(metadata.get(key), str)}
