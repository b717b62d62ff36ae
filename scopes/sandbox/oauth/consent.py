"""The authorization endpoint: its request, the consent screen, and what is decided there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import NAMESPACE_URL, uuid5

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from scopes.catalogue.entries import Known, Provider, Scope
from scopes.catalogue.oauth import AccountFrom, OAuth, ReportedAt
from scopes.sandbox.oauth import pages
from scopes.sandbox.people import NAMED_PEOPLE

if TYPE_CHECKING:
    from scopes.sandbox.oauth.server import OAuthSandbox

PATH = "/authorize"
COOKIE = "oauth_sandbox_account"
OPENID = "openid"
ACCOUNTS = {person.reference_id: person for person in NAMED_PEOPLE}
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may be answered by a redirect. `scopes` are canonical names, in the order of the request."""

    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    challenge: str
    nonce: str
    forced: bool
    adds: bool


class NotAnswerable(Exception):
    """The request is wrong, and the client is told so by a redirect."""

    def __init__(self, redirect_uri: str, state: str, error: str, says: str) -> None:
        super().__init__(error)
        self.redirect_uri, self.state, self.error, self.says = redirect_uri, state, error, says


class Consent:
    """The consent screen of one provider. It is shown unless the account has decided all that is asked for."""

    def __init__(self, sandbox: OAuthSandbox) -> None:
        self.sandbox = sandbox
        self.provider, self.oauth, self.grants = sandbox.provider, sandbox.oauth, sandbox.grants

    def rules(self) -> Iterator[Rule]:
        yield Rule(PATH, methods=["GET"], endpoint=self.show)
        yield Rule(PATH, methods=["POST"], endpoint=self.decide)

    def show(self, request: Request) -> Response:
        """The consent screen, or at once the way back."""
        try:
            wanted = self._read(request)
        except NotAnswerable as wrong:
            return self._refused(wrong)
        account = request.cookies.get(COOKIE, "")
        grant = self.grants.grant(account) if account in ACCOUNTS else None
        if grant and not wanted.forced and grant.granted | grant.declined >= set(wanted.scopes):
            return self._allowed(wanted, account, grant.granted)
        boxes = self._boxes(wanted)
        fixed = self.provider.can_untick is Known.NO
        return pages.consent(self.provider, boxes, ACCOUNTS.values(), account, fixed=fixed)

    def decide(self, request: Request) -> Response:
        try:
            wanted = self._read(request)
        except NotAnswerable as wrong:
            return self._refused(wrong)
        decision, account = request.form.get("decision"), request.form.get("account", "")
        if decision == "refuse":
            return self._refused(NotAnswerable(wanted.redirect_uri, wanted.state, "access_denied", ""))
        if decision != "allow" or account not in ACCOUNTS:
            raise BadRequest("Choose an account, and press Allow or Refuse.")
        boxes = {scope.name for scope in self._boxes(wanted)}
        fixed = self.provider.can_untick is Known.NO
        declined = set() if fixed else boxes - set(request.form.getlist("scope"))
        granted = set(wanted.scopes) - declined
        before = self.grants.grant(account)
        if before and (wanted.adds or self.sandbox.behaviour.adds):
            granted |= before.granted - declined
            declined |= before.declined - granted
        self.grants.decide(account, granted, declined)
        answer = self._allowed(wanted, account, frozenset(granted))
        answer.set_cookie(COOKIE, account, httponly=True, samesite="Lax")
        return answer

    def _read(self, request: Request) -> AuthorizationRequest:
        """The request in the query. Raises BadRequest where no redirect can answer it, else NotAnswerable."""
        values = request.args
        client, redirect_uri = self.sandbox.client, values.get("redirect_uri", "")
        if values.get("client_id") != client.client_id:
            raise BadRequest("No such client is registered here.")
        if redirect_uri not in client.redirect_uris:
            raise BadRequest("The redirect URI is not one of those that the client registered, to the letter.")
        state = values.get("state", "")

        def refuse_unless(fine: bool, error: str, says: str) -> None:
            if not fine:
                raise NotAnswerable(redirect_uri, state, error, says)

        refuse_unless(all(len(values.getlist(name)) == 1 for name in values), "invalid_request", "a parameter repeats")
        refuse_unless(bool(state), "invalid_request", "state is missing")
        refuse_unless(values.get("response_type") == "code", "unsupported_response_type", "only code")
        challenged = values.get("code_challenge_method") == "S256" and _CHALLENGE.fullmatch(
            values.get("code_challenge", "")
        )
        refuse_unless(bool(challenged), "invalid_request", "a code challenge by S256 is missing")
        scopes = tuple(dict.fromkeys(map(self.provider.canonical, self._scopes(values))))
        known = all(scope == OPENID or self.provider.knows(scope) for scope in scopes)
        refuse_unless(known, "invalid_scope", "a scope is not known here")
        return AuthorizationRequest(
            redirect_uri,
            state,
            scopes,
            values["code_challenge"],
            values.get("nonce", ""),
            forced=_has_all(values, self.oauth.forced_consent) or values.get("prompt") == "consent",
            adds=_has_all(values, self.oauth.incremental_consent),
        )

    def _scopes(self, values: MultiDict[str, str]) -> Sequence[str]:
        return values.get(self.oauth.scope_parameter, "").replace(self.oauth.scope_separator, " ").split()

    def _boxes(self, wanted: AuthorizationRequest) -> list[Scope]:
        """The scopes with a box of their own; those that the protocol needs have none."""
        return [self.provider.by_name[scope] for scope in wanted.scopes if has_box(scope, self.provider, self.oauth)]

    def _allowed(self, wanted: AuthorizationRequest, account: str, granted: frozenset[str]) -> Response:
        scopes = granted if wanted.adds or self.sandbox.behaviour.adds else granted & set(wanted.scopes)
        code = self.grants.new_code(account, tuple(sorted(scopes)), wanted.redirect_uri, wanted.challenge, wanted.nonce)
        more = {
            report.field: self._written(scopes) for report in self.oauth.reports if report.at is ReportedAt.CALLBACK
        }
        if self.oauth.account.at is AccountFrom.CALLBACK:
            more |= dict.fromkeys(self.oauth.account.fields, subject(account))
        return redirect(self._with(wanted.redirect_uri, code=code, state=wanted.state, **more), 303)

    def _written(self, scopes: Iterable[str]) -> str:
        return self.oauth.scope_separator.join(sorted(map(self.provider.requested_as, scopes)))

    def _refused(self, wrong: NotAnswerable) -> Response:
        description = {"error_description": wrong.says} if wrong.says else {}
        return redirect(self._with(wrong.redirect_uri, error=wrong.error, state=wrong.state, **description), 303)

    def _with(self, url: str, **parameters: str) -> str:
        parts = urlsplit(url)
        named = {name: value for name, value in parameters.items() if value} | {"iss": self.sandbox.url}
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *named.items()])
        return urlunsplit(parts._replace(query=query))


def subject(account: str) -> str:
    """The account's id at this provider: the same at each start, and it says nothing about the person."""
    return uuid5(NAMESPACE_URL, f"sandbox:{account}").hex[:20]


def has_box(scope: str, provider: Provider, oauth: OAuth) -> bool:
    """Whether a person can leave it out: those that the protocol itself needs have no box."""
    return scope in provider.by_name and scope not in {OPENID, *oauth.not_echoed, *oauth.offline_scopes}


def _has_all(values: MultiDict[str, str], pairs: Sequence[tuple[str, str]]) -> bool:
    return bool(pairs) and all(values.get(name) == value for name, value in pairs)
