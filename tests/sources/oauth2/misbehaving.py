"""A provider on loopback that answers as it is told to, and the returns of people who were sent there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes.catalogue.entries import Known, Provider, Scope
from scopes.catalogue.oauth import Account, AccountFrom, OAuth
from scopes.facts import AttemptFailed, ConsentGiven
from scopes.sources.calls import Calls, Limits
from scopes.sources.consents import BegunConsent, ConsentRequest, ConsentReturn
from scopes.sources.oauth2 import consent
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.consent import Finished
from scopes.sources.oauth2.server import Server
from tests import cast

CODE, STATE, SECRET = "code-that-stays-secret", "the-attempt", "client/secret+of us"
ACCESS, REFRESH = "access-token-that-stays-secret", "refresh-token-that-stays-secret"
CALLBACK = "https://portal.example/r/back/oauth2/acme/"
TOKENS: dict[str, Any] = {"access_token": ACCESS, "token_type": "bearer", "refresh_token": REFRESH, "expires_in": 3600}
ACME = Provider(
    "acme",
    "Acme",
    (Scope("daily", aliases=("days",)), Scope("heart", implies=("pulse",)), Scope("pulse")),
    reports_scopes=Known.YES,
)
CLIENT = Client("acme", "our-id", SECRET, "acme")
NO_HEADERS: Mapping[str, str] = {}
LIMITS = Limits(connect=2.0, read=10.0, total=20.0, longest_wait=0.0, most_bytes=100_000)


@dataclass
class Misbehaving:
    """The provider: what its endpoints answer with, and what they were asked."""

    http: HTTPServer
    entry: Provider = ACME
    how: dict[str, Any] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    known: dict[str, Callable[[Request], Response]] = field(default_factory=dict)

    def answers(
        self, path: str, body: object = None, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """From now on `path` answers so; a body that is no text or bytes is sent as JSON."""

        def respond(request: Request) -> Response:
            request.get_data()
            self.asked.append(request)
            if isinstance(body, str | bytes):
                return Response(body, status, headers)
            return Response(json.dumps(body), status, {"Content-Type": "application/json", **headers})

        self.http.clear()
        self.known[path] = respond
        for known, handler in self.known.items():
            self.http.expect_request(known).respond_with_handler(handler)

    @property
    def oauth(self) -> OAuth:
        keys: dict[str, Any] = {"account": Account(AccountFrom.TOKEN_RESPONSE, ("user.id",)), **self.how}
        return OAuth(self.http.url_for("/authorize"), self.http.url_for("/token"), **keys)

    @property
    def server(self) -> Server:
        return Server(self.oauth, CLIENT, Calls(LIMITS))

    def begin(self, **wish: Any) -> tuple[dict[str, str], BegunConsent]:
        """The parameters of the consent screen's address, and what was begun."""
        request = ConsentRequest(
            attempt=STATE, provider=self.entry, names=("acme",), reference_id="ref-ben", success_url="", failure_url="",
            callback_url=CALLBACK, at=cast.NOW, **{"missing": ("daily",), **wish},
        )  # fmt: skip
        begun = consent.begin(self.server, request)
        return {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}, begun

    def finish(
        self,
        parameters: Mapping[str, str] | None = None,
        *,
        requested: tuple[str, ...] | None = ("daily", "heart"),
        connected_as: str = "",
        held: tuple[str, ...] = (),
        at: datetime = cast.NOW,
        verifier: str = "v" * 43,
        also: tuple[str, ...] = (),
    ) -> Finished:
        """What comes of a return with these parameters, a code without any.

        `held` are the accounts that we hold; `also` are further values of the code.
        """
        sent = {"code": CODE} if parameters is None else parameters
        returned = ConsentReturn(
            attempt=STATE, user_id="", session_id=STATE, requested=requested, verifier=verifier,
            connected_as=connected_as, provider=self.entry, reference_id="ref-ben", callback_url=CALLBACK,
            parameters={
                name: [value, *(also if name == "code" else ())] for name, value in {"state": STATE, **sent}.items()
            }, at=at,
        )  # fmt: skip
        return consent.finish(self.server, returned, held.__contains__)

    def form(self, number: int = -1) -> dict[str, str]:
        """What a request sent as a form."""
        return dict(parse_qsl(self.asked[number].get_data(as_text=True), keep_blank_values=True))


def given(finished: Finished) -> ConsentGiven:
    (fact,) = finished.facts
    assert isinstance(fact, ConsentGiven)
    return fact


def failed(finished: Finished) -> AttemptFailed:
    (fact,) = finished.facts
    assert isinstance(fact, AttemptFailed) and finished.answer is None
    return fact


def with_account(user_id: object = "ben-at-acme", **keys: Any) -> dict[str, Any]:
    """A token response that tells whose account it is."""
    return {**TOKENS, "user": {"id": user_id}, **keys}


@pytest.fixture
def provider(httpserver: HTTPServer) -> Misbehaving:
    return Misbehaving(httpserver)


def jwt(**claims: Any) -> str:
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "RS256"}, claims)
    )
    return f"{head}.{body}.c2ln"
