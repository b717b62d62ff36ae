"""The endpoints that programs call: tokens, revocation, introspection, the account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.catalogue import default
from scopes.catalogue.oauth import AccountFrom, ClientAuthentication, Ends, ReportedAt
from scopes.sandbox.faults import Fault
from scopes.sandbox.grants import terra_name
from scopes.sandbox.json_http import json_response
from scopes.sandbox.oauth.client import oauth_error, sent_in
from scopes.sandbox.oauth.consent import ACCOUNTS, OPENID, has_box, subject
from scopes.sandbox.oauth.grants import Token
from scopes.sandbox.people import account_at

if TYPE_CHECKING:
    from scopes.sandbox.oauth.server import OAuthSandbox

FAULT = "sandbox.fault"
ACCESS, REFRESH = "access_token", "refresh_token"
TOKEN, REVOKE, INTROSPECT, USERINFO = "/token", "/revoke", "/introspect", "/userinfo"


class Tokens:
    """The token endpoint and its neighbours."""

    def __init__(self, sandbox: OAuthSandbox) -> None:
        self.sandbox = sandbox
        self.provider, self.oauth, self.grants = sandbox.provider, sandbox.oauth, sandbox.grants

    def rules(self) -> Iterator[Rule]:
        yield Rule(TOKEN, methods=["POST"], endpoint=self.token)
        yield Rule(REVOKE, methods=["POST", "GET", "DELETE"], endpoint=self.revoke)
        yield Rule(INTROSPECT, methods=["POST", "GET"], endpoint=self.introspect)
        own = urlsplit(self.oauth.account.endpoint).path
        for path in {USERINFO, own} if self.oauth.account.at is AccountFrom.ENDPOINT and own else {USERINFO}:
            yield Rule(path, methods=["GET"], endpoint=self.userinfo)

    def token(self, request: Request) -> Response:
        """Tokens for a code, or for a refresh token (RFC 6749, 4.1.3 and 6)."""
        if not self.sandbox.client.is_caller(request):
            return oauth_error("invalid_client", 401)
        sent = sent_in(request)
        kind = sent.get("grant_type")
        if kind not in ("authorization_code", "refresh_token"):
            return oauth_error("unsupported_grant_type")
        fault: Fault | None = request.environ.get(FAULT)
        if fault and fault.kind == "invalid_grant":
            return oauth_error("invalid_grant")
        with self.grants.lock:
            answer = self._exchange(sent) if kind == "authorization_code" else self._refresh(sent, fault)
        if isinstance(answer, dict):
            if fault and fault.kind == "omit_scope":
                del answer[self._reported_as(ReportedAt.TOKEN_RESPONSE)]
            answer = json_response(answer)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _exchange(self, sent: Mapping[str, str]) -> dict[str, Any] | Response:
        code = self.grants.spend(sent.get("code", ""))
        if code is None or code.redirect_uri != sent.get("redirect_uri"):
            return oauth_error("invalid_grant")
        verifier = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if not compare_digest(_base64(verifier), code.challenge):
            return oauth_error("invalid_grant", says="the code verifier does not fit the challenge")
        answer = self._tokens(code.account, code.scopes, code.family)
        answer[REFRESH] = self.grants.new_token(REFRESH, code.account, code.scopes, code.family)
        if OPENID in code.scopes:
            answer["id_token"] = self._id_token(code.account, code.nonce)
        if self.oauth.account.at is AccountFrom.TOKEN_RESPONSE:
            answer |= self._account(code.account)
        return answer

    def _refresh(self, sent: Mapping[str, str], fault: Fault | None) -> dict[str, Any] | Response:
        refresh_token = sent.get("refresh_token", "")
        known = self.grants.token(refresh_token)
        if known is None or known.kind != REFRESH:
            return oauth_error("invalid_grant")
        if known.replaced:
            if self.sandbox.behaviour.ends_on_reuse:
                self.grants.end_family(known.family)
            return oauth_error("invalid_grant", says="the refresh token was used before")
        scopes = self._narrowed(known.scopes) if fault and fault.kind == "narrowed" else known.scopes
        answer = self._tokens(known.account, scopes, known.family)
        if self.sandbox.behaviour.rotates:
            self.grants.mark_replaced(refresh_token)
            answer[REFRESH] = self.grants.new_token(REFRESH, known.account, scopes, known.family)
        return answer

    def revoke(self, request: Request) -> Response:
        """RFC 7009, or as the provider has it: the same answer whether or not there was such a token."""
        revocation = self.oauth.revocation
        open_to_all = revocation is not None and revocation.client_authentication is ClientAuthentication.NONE
        if not open_to_all and not self.sandbox.client.is_caller(request):
            return oauth_error("invalid_client", 401)
        known = self.grants.token(self._token_in(request))
        if known and revocation and revocation.ends is Ends.GRANT:
            self.grants.end_grant(known.account)
        elif known:
            self.grants.end_family(known.family)
        return json_response({})

    def introspect(self, request: Request) -> Response:
        """RFC 7662, or as the provider has it: without the client's secret only where it needs none."""
        introspection = self.oauth.introspection
        open_to_all = introspection is not None and introspection.client_authentication is ClientAuthentication.NONE
        if not open_to_all and not self.sandbox.client.is_caller(request):
            return oauth_error("invalid_client", 401)
        known = self._live(self._token_in(request))
        if known is None:
            return json_response({"active": False})
        return json_response(
            {
                "active": True,
                **self._report(ReportedAt.INTROSPECTION, known.scopes),
                "client_id": self.sandbox.client.client_id,
                "sub": subject(known.account),
                **self._account(known.account),
                **({"exp": int(known.ends_at)} if known.ends_at else {}),
            }
        )

    def userinfo(self, request: Request) -> Response:
        """The account that the access token is of, with those that it had at earlier providers."""
        known = self._live(_bearer(request))
        if known is None or known.kind != ACCESS:
            return oauth_error("invalid_token", 401)
        person = ACCOUNTS[known.account]
        return json_response(
            {
                "sub": subject(known.account),
                "name": person.name,
                "email": person.email,
                **self._account(known.account),
                **self._earlier(known.account),
            }
        )

    def _tokens(self, account: str, scopes: tuple[str, ...], family: str) -> dict[str, Any]:
        seconds = self.sandbox.behaviour.access_seconds
        return {
            "access_token": self.grants.new_token(ACCESS, account, scopes, family, seconds),
            "token_type": "Bearer",
            "expires_in": seconds,
            **self._report(ReportedAt.TOKEN_RESPONSE, scopes),
            **{name: json.loads(value) for name, value in self.oauth.success},
        }

    def _narrowed(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """The scopes without the last that a person could leave out."""
        lost = [scope for scope in scopes if has_box(scope, self.provider, self.oauth)][-1:]
        return tuple(scope for scope in scopes if scope not in lost)

    def _reported_as(self, at: ReportedAt) -> str:
        """The field in which the provider reports the scopes there."""
        return next((report.field for report in self.oauth.reports if report.at is at), "scope")

    def _report(self, at: ReportedAt, scopes: tuple[str, ...]) -> dict[str, Any]:
        """The scopes in the provider's field: a text under the standard's name, under any other a list."""
        name, written = self._reported_as(at), [self.provider.requested_as(scope) for scope in scopes]
        return {name: self.provider.separator.join(written) if name == "scope" else written}

    def _token_in(self, request: Request) -> str:
        sent = {**sent_in(request), "bearer": _bearer(request)}
        return next((sent[name] for name in ("token", ACCESS, "bearer") if name in sent), "")

    def _live(self, token: str) -> Token | None:
        known = self.grants.token(token)
        return None if known is None or known.replaced else known

    def _account(self, account: str) -> dict[str, Any]:
        """The fields in which the provider tells the account's id, however deep."""
        found: dict[str, Any] = {}
        for field in self.oauth.account.fields:
            *outer, last = field.split(".")
            place = found
            for name in outer:
                place = place.setdefault(name, {})
            place[last] = subject(account)
        return found

    def _earlier(self, account: str) -> dict[str, str]:
        """The account's ids at the providers that this one succeeds: those that Terra's sandbox has for it there."""
        changed = self.grants.earlier(account)
        ids = {
            field: changed.get(slug, account_at(terra_name(default().provider(slug)), account))
            for slug, field in self.oauth.account.earlier
        }
        return {field: found for field, found in ids.items() if found}

    def _id_token(self, account: str, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.sandbox.url,
            "sub": subject(account),
            "aud": self.sandbox.client.client_id,
            "iat": now,
            "exp": now + 600,
            **({"nonce": nonce} if nonce else {}),
        }
        signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        signature = hmac.new(self.sandbox.client.secret.encode(), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_base64(signature)}"


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
