"""Errors of Terra's Admin API: of the token, of its permissions, or of Terra itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from scopes.redaction import without_addresses
from scopes.sources.errors import SourceError, SourceUnavailable
from scopes.sources.terra.errors import PASSING


class AdminTokenRejected(SourceError):
    """The token is missing, wrong, expired, or of another kind: somebody has to make a new one."""


class AdminRefused(SourceError):
    """The Admin API refuses. `code` is its stable code, such as `scope_missing`, `status` the HTTP status."""

    def __init__(self, message: str, *, status: int, code: str, trace_id: str = "") -> None:
        self.status, self.code = status, code
        super().__init__(message, trace_id=trace_id)


def admin_error_for(
    status: int,
    body: object,
    *,
    call: str,
    page: bool = False,
    trace_id: str = "",
    retry_after: float | None = None,
) -> SourceError:
    """The exception that an answer of the Admin API means. `body` is problem+json, whose `instance` is not repeated."""
    problem = body if isinstance(body, Mapping) else {}
    code = _text(problem, "code")
    words = "; ".join(filter(None, (code, _text(problem, "detail"), _text(problem, "remediation"))))
    message = f"{call}: Terra answered {status}" + (" with a web page" if page else f", {words}" if words else "")
    if status == HTTPStatus.UNAUTHORIZED:
        return AdminTokenRejected(message, trace_id=trace_id)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING:
        return SourceUnavailable(message, retry_after=retry_after, status=status, trace_id=trace_id)
    return AdminRefused(message, status=status, code=code, trace_id=trace_id)


def _text(problem: Mapping[str, object], key: str) -> str:
    """The words under `key`, without e-mail addresses and tokens."""
    value = problem.get(key)
    return re.sub(r"terra_[a-z]t_\S+", "[token]", without_addresses(value)) if isinstance(value, str) else ""
