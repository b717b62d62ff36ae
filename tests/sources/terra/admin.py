"""Answers of Terra's Admin API."""

from __future__ import annotations

import json
from typing import Any

from werkzeug import Response

TOKEN = "terra_at_that-must-stay-secret"
BASE = "/api/v3/admin"
HERE = f"{BASE}/environments/testing-dev"


def listed(*rows: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"data": list(rows), "has_more": cursor is not None, "next_cursor": cursor}


def problem(status: int, code: str, **headers: str) -> Response:
    problem_fields = {
        "type": "about:blank",
        "title": "no",
        "instance": f"/x?reference_id=ada@example.com&t={TOKEN}",
        "code": code,
    }
    body = json.dumps(problem_fields | {"detail": f"not with {TOKEN}", "remediation": "ask ada@example.com"})
    return Response(body, status, headers, content_type="application/problem+json")
