"""The report as it may be shown again: masked, and read again to the same answer."""

from __future__ import annotations

import json

from scopes.diagnose.error_report import ErrorReport
from scopes.diagnose.error_text import readable, relevant_headers


def masked_copy(report: ErrorReport) -> str:
    """What was read of the report, without its secrets: a text, or JSON where it was more than a body."""
    body = readable(report.body)
    if report.status is None and not report.headers and not report.provider:
        return body
    told = {
        "status": report.status,
        "headers": {readable(name[:100]): readable(value) for name, value in relevant_headers(report).items()},
        "body": body,
        "provider": readable(report.provider[:200]).strip(),
    }
    return json.dumps(
        {key: value for key, value in told.items() if value or key == "body"}, indent=2, ensure_ascii=False
    )
