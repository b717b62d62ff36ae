"""What a token endpoint answers, in whatever shape: tokens, or the `SourceError` that its refusal is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

from scopes.catalogue.oauth import OAuth, Pairs
from scopes.facts import AccountTrouble
from scopes.redaction import without_addresses
from scopes.sources.calls import Answered
from scopes.sources.errors import (
    AccountRefused,
    CredentialDead,
    CredentialRejected,
    RequestRefused,
    SourceError,
    SourceUnavailable,
)

# Longer than any provider's: a token that is a JWT with many groups has some thousand characters.
LONGEST_TOKEN = 16_384
# A hundred years: what says more says nothing.
LONGEST_LIFETIME = 100 * 365 * 24 * 3600
MOST_FIELDS = 200
PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)

# What is not the standard's word for it -> the standard's.
SPELLINGS = {
    "bad_verification_code": "invalid_grant",
    "bad_refresh_token": "invalid_grant",
    "invalid_code": "invalid_grant",
    "code invalid": "invalid_grant",
    "code_already_used": "invalid_grant",
    "refresh_token invalid": "invalid_grant",
    "invalid_refresh_token": "invalid_grant",
    "incorrect_client_credentials": "invalid_client",
    "bad_client_secret": "invalid_client",
    "invalid_client_id": "invalid_client",
    "client_id invalid": "invalid_client",
    "client_secret invalid": "invalid_client",
}
OUR_REGISTRATION = frozenset({"unauthorized_client", "invalid_scope", "unsupported_grant_type"})
FOR_NOW = frozenset({"temporarily_unavailable", "server_error", "slow_down", "ratelimited", "rate_limit_exceeded"})

_TOKEN = re.compile(r"[!-~]+( [!-~]+)*")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")
_ABOUT_THE_REFRESH_TOKEN = re.compile(r"\b(?:invalid|expired|revoked) refresh[_ ]?token", re.IGNORECASE)
_SECRET_KEY = re.compile(r"token|secret|code|assertion|password", re.IGNORECASE)


class Refused(RequestRefused):
    """They understood and refuse; `code` is their error code, empty where they gave none."""

    def __init__(self, message: str, *, status: int, detail: str = "", code: str = "") -> None:
        self.code = code
        super().__init__(message, status=status, detail=detail)


class During(StrEnum):
    """What was being done: the same refusal means another thing at an exchange, a refresh, or with a token."""

    EXCHANGE = "exchange"
    REFRESH = "refresh"
    TOKEN_CALL = "token_call"  # noqa: S105 - no token


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The tokens of one answer. Its representation shows none.

    `refresh` is None where none came: an earlier one still works. `expires_in` and `refresh_expires_in` are in seconds,
    None where neither the answer nor the entry says, or the answer says 0 or a word. `scope` is as it came, in whatever
    shape. `rest` is the whole answer without anything that may be a secret.
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    refresh_expires_in: int | None = None
    scope: object = None
    id_token: str | None = field(default=None, repr=False)
    rest: Mapping[str, Any] = field(default_factory=dict, repr=False)


def token_answer(answered: Answered, oauth: OAuth, what: str, during: During, secrets: Iterable[str]) -> TokenAnswer:
    """The tokens in an answer.

    `what` names the endpoint in errors; `secrets` are what was sent, and are blotted out in whatever is repeated of the
    answer. Raises CredentialDead for an `invalid_grant` at a refresh and nothing else; CredentialRejected for
    `invalid_client`; AccountRefused, RequestRefused, and SourceUnavailable for what is no answer.
    """
    data = read_object(answered, what, during, secrets, oauth.success)
    inside = at_path(data, oauth.tokens_in) if oauth.tokens_in else None
    held = inside if isinstance(inside, Mapping) else data
    return TokenAnswer(
        access=_token(held, "access_token", what) or _missing(what, answered.status),
        refresh=_token(held, "refresh_token", what),
        expires_in=_seconds(held.get("expires_in", oauth.access_token_seconds)),
        refresh_expires_in=_seconds(held.get("refresh_token_expires_in", held.get("refresh_expires_in"))),
        scope=held.get("scope"),
        id_token=_token(held, "id_token", what) or _token(data, "id_token", what),
        rest=without_secrets(data),
    )


def read_object(
    answered: Answered, what: str, during: During, secrets: Iterable[str], success: Pairs = ()
) -> Mapping[str, Any]:
    """The object that an answer holds: JSON, or form-encoded. Raises a SourceError for a refusal, whatever its status.

    `success` are fields that a successful answer has with these values.
    """
    data = None if answered.is_page else _object(answered)
    refused = not HTTPStatus.OK <= answered.status < HTTPStatus.MULTIPLE_CHOICES
    if not refused and data is not None:
        refused = _has_error(data) or any(_plain(at_path(data, name)) != value for name, value in success)
    if refused:
        raise refusal(answered, data or {}, what, during, secrets)
    if data is None:
        found = "a web page" if answered.is_page else "something that is neither JSON nor a form, or half of it"
        raise SourceUnavailable(f"{what}: answered with {found}", status=answered.status, sent=not answered.is_page)
    return data


def refusal(
    answered: Answered, data: Mapping[str, Any], what: str, during: During, secrets: Iterable[str]
) -> SourceError:
    """What a refusal means. The code decides, whatever the HTTP status; only without one the status does."""
    code, words = error_code(data), _words(data, secrets)
    status = answered.status
    message = f"{what}: {code or f'HTTP {status}'}{f', {words}' if words and words != code else ''}"
    if code == "invalid_grant" or (during is During.REFRESH and _ABOUT_THE_REFRESH_TOKEN.search(words)):
        if during is During.REFRESH:
            return CredentialDead(message)
        return Refused(message, status=status, detail=words, code="invalid_grant")
    if code == "invalid_client":
        return CredentialRejected(f"{message}. Compare the client id and the secret with the provider's console")
    if code in OUR_REGISTRATION:
        return AccountRefused(message, trouble=AccountTrouble.FORBIDDEN)
    if code in FOR_NOW or status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR or answered.is_page:
        return SourceUnavailable(message, status=status, retry_after=answered.retry_after)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Refused(f"{message}, a redirect. Is the address right?", status=status)
    if status == HTTPStatus.UNAUTHORIZED and during is not During.TOKEN_CALL and not code:
        return CredentialRejected(f"{message}. Compare the client id and the secret with the provider's console")
    return Refused(message, status=status, detail=words, code=code)


def _has_error(data: Mapping[str, Any]) -> bool:
    """Whether it is an error whatever its status; some say with each answer that it is none."""
    error = data.get("error")
    if isinstance(error, Mapping):
        return error.get("code") not in ("ok", "OK", 0, "0")
    return bool(error)


def error_code(data: Mapping[str, Any]) -> str:
    """The code of a refusal, in the standard's spelling; empty where it has none."""
    error = data.get("error")
    if isinstance(error, Mapping):
        error = error.get("code") or error.get("status") or error.get("type")
    errors = data.get("errors")
    if error is None and isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        error = f"{errors[0].get('field', '')} {errors[0].get('code', '')}".strip()
    if not isinstance(error, str):
        return ""
    code = error.strip().lower()
    return SPELLINGS.get(code, code if _CODE.fullmatch(code) else "")


def blotted(text: str, secrets: Iterable[str]) -> str:
    """`text` without these secrets, however they are encoded, and without e-mail addresses; at most 300 characters."""
    for secret in sorted({spelt for one in secrets if one for spelt in (one, quote(one, safe=""), quote_plus(one))}):
        text = text.replace(secret, "[secret]")
    return "".join(c for c in without_addresses(text) if c.isprintable() and c != "\ufffd")


def without_secrets(data: Mapping[str, Any]) -> dict[str, Any]:
    """The answer without everything whose name says that it may be a secret, however deep."""

    def cleaned(value: Any, depth: int) -> Any:
        if depth > 5:
            return None
        if isinstance(value, Mapping):
            kept = [(key, one) for key, one in value.items() if not _SECRET_KEY.search(key) or key == "token_type"]
            return {key: cleaned(one, depth + 1) for key, one in kept[:MOST_FIELDS]}
        return [cleaned(one, depth + 1) for one in value[:MOST_FIELDS]] if isinstance(value, list) else value

    return {str(key): value for key, value in cleaned(data, 0).items()}


def at_path(data: object, path: str) -> Any:
    """What stands under a dotted path, such as `data.0.id`; None where nothing does."""
    for step in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def _object(answered: Answered) -> Mapping[str, Any] | None:
    """JSON, whatever the type says; a form only where the type does not say JSON."""
    try:
        text = answered.body.decode()
    except UnicodeDecodeError:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        if "json" in answered.media_type or "=" not in text:
            return None
        try:
            return dict(parse_qsl(text.strip(), strict_parsing=True, max_num_fields=MOST_FIELDS))
        except ValueError:
            return None
    return data if isinstance(data, Mapping) else None


def _token(data: Mapping[str, Any], key: str, what: str) -> str | None:
    """The token under `key`; None where there is none. What could not be sent back is no token."""
    value = data.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST_TOKEN or not _TOKEN.fullmatch(value):
        raise SourceUnavailable(f"{what}: {key} is no token")
    return value


def _missing(what: str, status: int) -> str:
    raise SourceUnavailable(f"{what}: the answer has no access_token", status=status)


def _seconds(value: object) -> int | None:
    """A number of seconds, also as text; None for nothing, 0, a word: nobody knows then, or it never ends."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return int(seconds) if math.isfinite(seconds) and 1 <= seconds <= LONGEST_LIFETIME else None


def _plain(value: object) -> str:
    """A value as the catalogue writes it: `true`, `0`, text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(data: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """What the provider says about it: foreign text, which may repeat what we sent."""
    error = data.get("error")
    found = [data.get("error_description"), data.get("message"), data.get("error_message")]
    if isinstance(error, Mapping):
        found += [error.get("message"), error.get("details")]
    found.append(error)
    return blotted(next((one for one in found if isinstance(one, str) and one.strip()), "").strip(), secrets)
