"""Security events (SET): signed by the issuer, for our client; anything else is refused in RFC 8935's words."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pytest_httpserver import HTTPServer

from scopes.facts import LinkState
from scopes.sources.calls import Calls
from scopes.sources.errors import NotVerified, SourceUnavailable
from scopes.sources.events import EventProof
from scopes.sources.oauth2.signals import keys
from scopes.sources.oauth2.signals.keys import Keys
from scopes.sources.oauth2.signals.reported import Reported
from scopes.sources.oauth2.signals.security_event import Check, read
from tests.sources.oauth2.signals.entries import ISSUER, entry

OAUTH, RISC = (
    "https://schemas.openid.net/secevent/oauth/event-type/",
    "https://schemas.openid.net/secevent/risc/event-type/",
)
SUBJECT = {"subject_type": "iss-sub", "iss": ISSUER, "sub": "7375626A656374"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": ["another", "our-client"], "iat": 1795773600, "jti": "756E69717565",
    "events": {OAUTH + "tokens-revoked": {"subject": SUBJECT}},
}  # fmt: skip
KEY = RSAKey.generate_key(2048, {"kid": "1"})
OTHER = ECKey.generate_key("P-256", {"kid": "2"})


@pytest.fixture
def jwks(httpserver: HTTPServer) -> str:
    keys.forget()
    httpserver.expect_request("/jwks").respond_with_json({"keys": [KEY.as_dict(private=False)]})
    return httpserver.url_for("/jwks")


def signed(claims: dict[str, Any], key: Any = KEY, **header: Any) -> bytes:
    algorithm = {"RSA": "RS256", "EC": "ES256"}[key.key_type]
    named = {"alg": algorithm, "kid": key.kid, "typ": "secevent+jwt"} | header
    whole = {name: value for name, value in named.items() if value is not None}
    return jwt.encode(whole, claims, key, algorithms=[algorithm]).encode()


def signed_with_the_public_key(claims: dict[str, Any]) -> bytes:
    """By HMAC, with the issuer's public key for a secret."""
    pieces = ({"alg": "HS256", "kid": "1"}, claims)
    head = b".".join(urlsafe_b64encode(json.dumps(piece).encode()).rstrip(b"=") for piece in pieces)
    digest = hmac.new(KEY.as_pem(private=False), head, sha256).digest()
    return head + b"." + urlsafe_b64encode(digest).rstrip(b"=")


def proof(token: bytes, address: str) -> EventProof:
    check = Check(ISSUER, "our-client", Keys("google", address, Calls()))
    for start in range(0, len(token), 100):
        check.update(token[start : start + 100])
    return check.proof()


@pytest.mark.parametrize("header", [{}, {"typ": None}, {"kid": None}])
def test_an_event_of_the_issuer_is_proved_and_named_by_its_id(jwks: str, header: dict[str, Any]) -> None:
    at = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    assert proof(signed(CLAIMS, **header), jwks) == EventProof(at, at, "756E69717565")


def test_when_it_happened_is_distinguished_from_when_it_was_issued(jwks: str) -> None:
    assert proof(signed(CLAIMS | {"toe": 1795770000}), jwks).happened_at == datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("make", "err"),
    [
        (lambda: signed(CLAIMS | {"iss": "https://else.example"}), "invalid_issuer"),
        (lambda: signed(CLAIMS | {"aud": "another"}), "invalid_audience"),
        (lambda: signed(CLAIMS | {"events": {}}), "invalid_request"),
        (lambda: signed({**CLAIMS, "events": None, "exp": 1795773900, "sub": "1"}), "invalid_request"),
        (lambda: signed(CLAIMS | {"iat": "soon"}), "invalid_request"),
        (lambda: signed(CLAIMS | {"jti": None}), "invalid_request"),
        (lambda: signed(CLAIMS, OTHER), "invalid_key"),
        (lambda: signed(CLAIMS, ECKey.generate_key("P-256", {"kid": "1"})), "authentication_failed"),
        (lambda: signed(CLAIMS, RSAKey.generate_key(2048, {"kid": "1"})), "authentication_failed"),
        (lambda: signed_with_the_public_key(CLAIMS), "authentication_failed"),
        (lambda: signed(CLAIMS, typ="at+jwt"), "invalid_key"),
        (lambda: signed(CLAIMS)[:-8], "authentication_failed"),
        (lambda: b"eyJhbGciOiJub25lIiwia2lkIjoiMSJ9.e30.", "authentication_failed"),
        (lambda: b"not a token", "authentication_failed"),
        (lambda: b"", "authentication_failed"),
    ],
)
def test_anything_else_is_refused_in_the_words_of_the_standard(jwks: str, make: Callable[[], bytes], err: str) -> None:
    with pytest.raises(NotVerified) as refused:
        proof(make(), jwks)
    answer = refused.value.answer
    assert answer is not None and (answer.status, answer.content_type) == (400, "application/json")
    assert json.loads(answer.text)["err"] == err
    assert "eyJ" not in answer.text + str(refused.value)


def test_an_event_is_acknowledged_without_a_body() -> None:
    check = Check(ISSUER, "our-client", Keys("google", "https://issuer.example/jwks", Calls()))
    assert (check.answer().status, check.answer().text) == (202, "")


@pytest.mark.parametrize("answer", ["down", "html", "empty"])
def test_an_issuer_whose_keys_cannot_be_read_is_asked_later(httpserver: HTTPServer, answer: str) -> None:
    keys.forget()
    status, text = {"down": (503, ""), "html": (200, "<html>"), "empty": (200, "{}")}[answer]
    httpserver.expect_request("/jwks").respond_with_data(text, status)
    with pytest.raises(SourceUnavailable):
        proof(signed(CLAIMS), httpserver.url_for("/jwks"))


def reported(events: dict[str, Any], **claims: Any) -> Reported:
    return read(signed(CLAIMS | {"events": events} | claims), entry("set"))


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (OAUTH + "tokens-revoked", LinkState.REVOKED),
        (OAUTH + "token-revoked", LinkState.UNCONFIRMED),
        (RISC + "account-purged", LinkState.REVOKED),
        (RISC + "account-disabled", LinkState.UNCONFIRMED),
        (RISC + "account-enabled", None),
        (RISC + "verification", None),
        ("https://schemas.openid.net/secevent/caep/event-type/session-revoked", LinkState.UNCONFIRMED),
    ],
)
def test_what_each_event_means_for_the_link(name: str, state: LinkState | None) -> None:
    assert reported({name: {"subject": SUBJECT}}) == Reported(name.rpartition("/")[2], ("7375626A656374",), state)


@pytest.mark.parametrize(
    ("subject", "account"),
    [
        ({"format": "iss_sub", "iss": ISSUER, "sub": "1"}, "1"),
        ({"format": "opaque", "id": "2"}, "2"),
        ({"format": "complex", "user": {"format": "iss_sub", "iss": ISSUER, "sub": "3"}, "device": {}}, "3"),
        ({"format": "email", "email": "ada@example.org"}, ""),
        ({"format": "iss_sub", "sub": ["1"]}, ""),
        ("ada", ""),
    ],
)
def test_whose_account_an_event_is_about(subject: Any, account: str) -> None:
    found = reported({RISC + "account-purged": {}}, sub_id=subject)
    assert found.accounts == ((account,) if account else ())
    assert (found.state is None) == (not account), "an event about nobody ends nothing"


def test_of_several_events_the_one_that_ends_most_counts() -> None:
    both = {RISC + "account-disabled": {"subject": SUBJECT}, OAUTH + "tokens-revoked": {"subject": SUBJECT}}
    assert reported(both).state is LinkState.REVOKED


@pytest.mark.parametrize("events", [[], "x", {"x": 1}, {"": {}}, {"a b": {}}])
def test_events_that_are_none_say_nothing(events: Any) -> None:
    assert reported(events).state is None
