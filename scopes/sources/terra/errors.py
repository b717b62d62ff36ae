"""The error that an answer of Terra's means: one of `sources.errors`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from scopes.facts import AccountTrouble
from scopes.redaction import without_addresses
from scopes.sources.errors import (
    AccountRefused,
    CredentialDead,
    CredentialRejected,
    RequestRefused,
    SourceError,
    SourceUnavailable,
)

PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
NEW_WIDGET_SESSION = "https://access.tryterra.co/api/widget/session"

_ABOUT_OUR_CREDENTIAL = re.compile(r"dev[-_ ]?id|x-api-key|api[-_ ]?key|credential|unauthori[sz]ed", re.IGNORECASE)
_ABOUT_OUR_LIMIT = re.compile(r"\b(?:users?|connections?|device)[ -](?:limit|quota)", re.IGNORECASE)
_ABOUT_A_USER = re.compile(r"(?:\b|_)users?(?:[-_ ]?ids?)?\b", re.IGNORECASE)
_ABOUT_THEIR_AUTHORISATION = re.compile(r"authori[sz]ation (?:has )?expired|reauthori[sz]e", re.IGNORECASE)


class TerraRefused(RequestRefused):
    """Terra understood the request and refuses it; the properties say what the refusal is about."""

    def __init__(
        self, message: str, *, status: int, detail: str = "", known_dialect: bool = True, trace_id: str = ""
    ) -> None:
        self._known_dialect = known_dialect
        super().__init__(message, status=status, detail=detail, trace_id=trace_id)

    @property
    def not_found(self) -> bool:
        """True when Terra reports that it knows no such user. A 404 that may not be Terra's own proves nothing."""
        return (
            self.status == HTTPStatus.NOT_FOUND
            and self._known_dialect
            and (not self.detail or bool(_ABOUT_A_USER.search(self.detail)))
        )


def error_for(
    status: int,
    body: object,
    *,
    call: str,
    page: bool = False,
    trace_id: str = "",
    retry_after: float | None = None,
) -> SourceError:
    """The exception for an answer. `body` is its JSON; `page`: it is a web page; `call`: its method and address.

    Reads both dialects: problem+json (`title`, `detail`) and the older `{"status": "error", "message": …}`. A web page
    never comes from Terra's API itself, so it means "they are down", unless its status blames the address or the key.
    """
    detail, known_dialect = _words(body)
    words = f"{call}: Terra answered {status}" + (" with a web page" if page else f", {detail}" if detail else "")
    if _ABOUT_THEIR_AUTHORISATION.search(detail):
        return CredentialDead(words, trace_id=trace_id)
    about_credential = status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) and _ABOUT_OUR_CREDENTIAL.search(detail)
    if status == HTTPStatus.UNAUTHORIZED or about_credential:
        words += ". The dev id and the API key do not belong to a valid account: compare both with Terra's dashboard"
        return CredentialRejected(words, trace_id=trace_id)
    at_limit = status < HTTPStatus.INTERNAL_SERVER_ERROR and _ABOUT_OUR_LIMIT.search(detail)
    if status == HTTPStatus.PAYMENT_REQUIRED or at_limit:
        # The documents name the limit as the only reason for a 402.
        trouble = AccountTrouble.USER_LIMIT if at_limit or not detail else AccountTrouble.PAYMENT
        return AccountRefused(words, trouble=trouble, trace_id=trace_id)
    redirect = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    about_address = redirect or status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING or (page and not about_address):
        return SourceUnavailable(words, retry_after=retry_after, status=status, trace_id=trace_id)
    if status == HTTPStatus.GONE:
        words += f". This address was switched off; for widget sessions set WIDGET_SESSION_URL to {NEW_WIDGET_SESSION}"
    elif redirect:
        words += ", a redirect. Is the base URL right?"
    elif status == HTTPStatus.NOT_FOUND and not known_dialect:
        words += ", not in Terra's manner. Is the base URL right?"
    return TerraRefused(words, status=status, detail=detail, known_dialect=known_dialect, trace_id=trace_id)


def _words(body: object) -> tuple[str, bool]:
    """The message in the body, and whether it is in one of Terra's two dialects."""
    if not isinstance(body, Mapping):
        return "", False
    problem = "title" in body and "type" in body
    legacy = "message" in body and body.get("status") == "error"
    detail = body.get("detail") or body.get("message")
    return without_addresses(detail) if isinstance(detail, str) else "", problem or legacy


def about_links(error: SourceError) -> SourceError:
    """The error as it is meant where a link was requested: a 403 is about our account then."""
    if isinstance(error, TerraRefused) and error.status == HTTPStatus.FORBIDDEN:
        return AccountRefused(str(error), trouble=AccountTrouble.FORBIDDEN)
    return error
