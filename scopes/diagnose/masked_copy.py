"""A masked copy of a report, to show again. Diagnosing the copy gives the same result."""

from __future__ import annotations

import json

from scopes.diagnose.error_report import ErrorReport
from scopes.diagnose.error_text import readable, relevant_headers


def masked_copy(report: ErrorReport) -> str:
    """The report without its secrets: its body, or JSON if it has more than a body."""
    body = readable(report.body)
    if report.status is None and not report.headers and not report.provider:
        return body
    parts = {
        "status": report.status,
        "headers": {readable(name[:100]): readable(value) for name, value in relevant_headers(report).items()},
        "body": body,
        "provider": readable(report.provider[:200]).strip(),
    }
    return json.dumps(
        {key: value for key, value in parts.items() if value or key == "body"}, indent=2, ensure_ascii=False
    )
