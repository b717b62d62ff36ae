"""What was received: a status, headers and a body, in whatever form somebody pasted or piped it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

# A longer line is read as plain text: parsing megabytes of JSON is not worth its cost.
LONGEST_JSON = 1_000_000
_KEYS = frozenset({"status", "headers", "body", "provider"})


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """One error. `provider` is what the reporter believes; `headers` may be those of a response."""

    body: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""


def read_report(line: str | bytes) -> ErrorReport:
    """One line as a report: a JSON object with `body`, and any of `status`, `headers`, `provider`; else plain text.

    Never raises: a value of a wrong type is left out, and what is no such object is itself the body.
    """
    return read_json_report(line) or ErrorReport(body=line if isinstance(line, str) else decode_text(line))


def read_json_report(line: str | bytes) -> ErrorReport | None:
    """The report in a line of JSON; None where the line is not such an object."""
    if len(line) > LONGEST_JSON:
        return None
    text = decode_text(line).strip()
    if not text.startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or "body" not in data or not data.keys() <= _KEYS:
        return None
    provider = data.get("provider")
    return ErrorReport(
        body=_body(data["body"]),
        status=_status(data.get("status")),
        headers=_headers(data.get("headers")),
        provider=provider if isinstance(provider, str) else "",
    )


def decode_text(line: str | bytes) -> str:
    """Text of anything: bytes that are not UTF-8 and lone surrogates are replaced."""
    if isinstance(line, bytes):
        return line.decode("utf-8", "replace")
    return line.encode("utf-8", "replace").decode("utf-8")


def _body(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return decode_text(value)
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return ""


def _status(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value.strip()) == 3:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 599:
        return None
    return value


def _headers(value: object) -> dict[str, str]:
    if isinstance(value, str):
        lines = (line.partition(":") for line in decode_text(value).splitlines())
        return {name.strip(): text.strip() for name, _, text in lines if name.strip()}
    if isinstance(value, dict):
        return {decode_text(name): _header_value(text) for name, text in value.items()}
    if isinstance(value, list):
        pairs = [item for item in value if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)]
        return {decode_text(name): _header_value(text) for name, text in pairs}
    return {}


def _header_value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(decode_text(item) for item in value if isinstance(item, str))
    return decode_text(value) if isinstance(value, str) else ""
