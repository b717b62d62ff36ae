"""What a token endpoint answers is read in whatever shape, and a refusal is what its code says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from scopes.catalogue.oauth import Account, AccountFrom, OAuth
from scopes.facts import AccountTrouble
from scopes.sources.calls import Answered
from scopes.sources.errors import (
    AccountRefused,
    CredentialDead,
    CredentialRejected,
    RequestRefused,
    SourceError,
    SourceUnavailable,
)
from scopes.sources.oauth2.answers import During, TokenAnswer, token_answer

CODE, SECRET, ACCESS, REFRESH = "the+code/1", "the secret", "the-access-token", "the-refresh-token"


def entry(**keys: Any) -> OAuth:
    return OAuth("https://a.example/authorize", "https://a.example/token", Account(AccountFrom.NOWHERE), **keys)


def answered(body: object, status: int = 200, media: str = "application/json", **headers: str) -> Answered:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answered(status, CaseInsensitiveDict({"Content-Type": media, **headers}), raw)


def read(answer: Answered, during: During = During.EXCHANGE, **keys: Any) -> TokenAnswer:
    return token_answer(answer, entry(**keys), "acme's token endpoint", during, (CODE, SECRET))


def refused(answer: Answered, during: During = During.EXCHANGE, **keys: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(answer, during, **keys)
    return caught.value


TOKENS = {"access_token": ACCESS, "token_type": "Bearer", "refresh_token": REFRESH, "expires_in": 3600, "scope": "a b"}


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (json.dumps(TOKENS).encode(), "application/json; charset=utf-8"),
        (json.dumps(TOKENS).encode(), "text/plain"),
        (f"access_token={ACCESS}&refresh_token={REFRESH}&expires_in=3600&scope=a+b".encode(), "text/plain"),
        (f"access_token={ACCESS}&refresh_token={REFRESH}&expires_in=3600&scope=a%20b".encode(), ""),
    ],
)
def test_json_and_forms_are_read_whatever_type_they_claim(body: bytes, media: str) -> None:
    found = read(answered(body, media=media))
    assert (found.access, found.refresh, found.expires_in, found.scope) == (ACCESS, REFRESH, 3600, "a b")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *[(3600, 3600), ("3600", 3600), (3599.9, 3599)],
        *[(said, None) for said in (0, "0", -1, "soon", None, True, "nan", 1e300, [3600], "9" * 5000)],
    ],
)
def test_an_unreliable_lifetime_is_unknown(value: object, seconds: int | None) -> None:
    assert read(answered({**TOKENS, "expires_in": value})).expires_in == seconds


def test_a_missing_lifetime_is_unknown() -> None:
    assert read(answered({"access_token": ACCESS})).expires_in is None


def test_tokens_inside_a_field_are_found_there() -> None:
    found = read(answered({"status": 0, "body": TOKENS}), tokens_in="body", success=(("status", "0"),))
    assert (found.access, found.scope) == (ACCESS, "a b")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in</html>",
        b"",
        b"[1]",
        b'"text"',
        b"{" * 100_000,
        b"\xff\xfe",
        b'{"access_token": "cut',
        b'{"token_type": "Bearer"}',
        b'{"access_token": 5}',
        b'{"access_token": ""}',
        b'{"access_token": "with\\u0000nul"}',
        b'{"access_token": "with\\nline"}',
        b'{"access_token": "good", "refresh_token": ["bad"]}',
        json.dumps({"access_token": "x" * 20_000}).encode(),
    ],
)
def test_what_is_no_answer_is_unavailable_and_never_repeated(body: bytes) -> None:
    error = refused(answered(body))
    assert isinstance(error, SourceUnavailable)
    assert str(error).startswith("acme's token endpoint: ") and len(str(error)) < 120


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500, 503])
def test_invalid_grant_at_a_refresh_is_a_dead_credential_whatever_the_status(status: int) -> None:
    error = refused(answered({"error": "invalid_grant"}, status), During.REFRESH)
    assert type(error) is CredentialDead


@pytest.mark.parametrize(
    "body",
    [
        {"error": "bad_refresh_token"},
        {
            "message": "Bad Request",
            "errors": [{"resource": "RefreshToken", "field": "refresh_token", "code": "invalid"}],
        },
        {"status": 503, "error": "Invalid Params: invalid refresh_token"},
    ],
)
def test_what_providers_say_instead_of_invalid_grant_is_as_good(body: dict[str, Any]) -> None:
    assert isinstance(refused(answered(body, 400), During.REFRESH), CredentialDead)


@pytest.mark.parametrize("during", [During.EXCHANGE, During.TOKEN_CALL])
def test_invalid_grant_anywhere_else_is_no_dead_credential(during: During) -> None:
    assert isinstance(refused(answered({"error": "invalid_grant"}, 400), during), RequestRefused)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"error": "invalid_client"}, 400), ({"error": "invalid_client"}, 200), ({"message": "Unauthorized"}, 401)],
)
@pytest.mark.parametrize("during", [During.EXCHANGE, During.REFRESH])
def test_our_client_is_rejected_whoever_the_connection_is(body: dict[str, str], status: int, during: During) -> None:
    assert isinstance(refused(answered(body, status), during), CredentialRejected)


@pytest.mark.parametrize("code", ["unauthorized_client", "invalid_scope"])
def test_our_registration_is_refused(code: str) -> None:
    error = refused(answered({"error": code}, 400), During.REFRESH)
    assert isinstance(error, AccountRefused) and error.trouble is AccountTrouble.FORBIDDEN


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_server_that_is_down_or_throttles_says_nothing_of_the_connection(status: int) -> None:
    error = refused(answered({}, status, **{"Retry-After": "7"}), During.REFRESH)
    assert isinstance(error, SourceUnavailable) and (error.status, error.retry_after) == (status, 7)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_web_page_in_between_says_nothing_either(status: int) -> None:
    error = refused(answered(b"<html>invalid_grant</html>", status, "text/html"), During.REFRESH)
    assert isinstance(error, SourceUnavailable)


def test_a_redirect_is_not_followed_and_means_a_wrong_address() -> None:
    error = refused(answered(b"", 302, Location="https://evil.example/?t=1"))
    assert isinstance(error, RequestRefused) and "evil" not in str(error)


@pytest.mark.parametrize("body", [{"ok": False, "error": "fatal_error"}, {"ok": False}])
def test_an_error_with_status_200_is_one(body: dict[str, Any]) -> None:
    assert isinstance(refused(answered(body), success=(("ok", "true"),)), RequestRefused)


def test_a_refusal_is_repeated_without_what_was_sent_and_without_addresses() -> None:
    words = f"code the%2Bcode%2F1 ({CODE}) of ada@example.com with {SECRET} and the+secret \x00 is spent"
    error = refused(answered({"error": "invalid_grant", "error_description": words}, 400))
    for secret in (CODE, "the%2Bcode%2F1", SECRET, "the+secret", "ada@", "\x00"):
        assert secret not in str(error)
    assert "is spent" in str(error)


def test_no_token_is_in_the_representation_or_the_rest() -> None:
    found = read(answered({**TOKENS, "id_token": "x.y.z", "user": {"id": 7, "token": "secret", "name": "n"}}))
    for secret in (ACCESS, REFRESH, "x.y.z"):
        assert secret not in repr(found) and secret not in str(found.rest)
    assert found.rest["user"] == {"id": 7, "name": "n"}
