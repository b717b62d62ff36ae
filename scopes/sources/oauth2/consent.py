"""Where a person is sent to consent, and what comes of their return: one exchange, whatever happens to it."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scopes.catalogue.oauth import AccountFrom, Consents, Ends, OAuth, Pkce
from scopes.facts import AccountTrouble, AttemptFailed, ConsentGiven, Fact
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED, WRONG_ACCOUNT, BegunConsent, ConsentRequest, ConsentReturn
from scopes.sources.errors import AccountRefused, RequestRefused, SourceError
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2.account import account_of
from scopes.sources.oauth2.answers import OUR_REGISTRATION, TokenAnswer, blotted
from scopes.sources.oauth2.claims import check_id_token, claims_of, nonce_of
from scopes.sources.oauth2.granted import NOT_REPORTED, OPENID, Granted, granted
from scopes.sources.oauth2.server import Server

LONGEST_URL = 2000
# Begins the id of a connection whose account the provider does not tell.
WITHOUT_ACCOUNT = "consent-"
ACCESS_DENIED = "access_denied"
REFUSALS = frozenset({ACCESS_DENIED, "user_cancelled_authorize", "user_cancelled_login", "user_denied"})
FAILED_WITHOUT_A_CODE = "failed"

_ONLY_AN_ADMINISTRATOR = re.compile(
    r"AADSTS(?:65001|90094|90093|900941)\b|\badmin(?:istrator)?s?['’]? (?:consent|approval)|\bconsent_required",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")

log = logging.getLogger(__name__)

# Whether a connection of ours holds an account.
type HeldAlready = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a consent. `answer` are the tokens to keep; None where there is no consent."""

    facts: tuple[Fact, ...]
    oauth: OAuth
    user_id: str = ""
    provider: str = ""
    answer: TokenAnswer | None = field(default=None, repr=False)
    requested: tuple[str, ...] = ()
    granted_in: str = NOT_REPORTED


def begin(server: Server, request: ConsentRequest) -> BegunConsent:
    """The address of the provider's consent screen, which asks for what the policy requests and nothing else.

    Raises RequestRefused where that address would be too long for some server on the way.
    """
    oauth = server.oauth
    requested = tuple(dict.fromkeys(map(request.provider.requested_as, scopes_for(oauth, request))))
    verifier = authorization_server.new_verifier()
    named = dict(oauth.authorization_parameters)
    if request.connected_as:
        named |= dict(oauth.incremental_consent)
    if request.forced:
        named |= dict(oauth.forced_consent)
    if requested:
        named[oauth.scope_parameter] = oauth.scope_separator.join(requested)
    if oauth.pkce is not Pkce.REFUSED:
        named |= {"code_challenge": authorization_server.challenge_of(verifier), "code_challenge_method": "S256"}
    if OPENID in requested and oauth.nonce:
        named["nonce"] = nonce_of(verifier)
    url = authorization_server.authorization_url(oauth, server.client, request.callback_url, request.attempt, named)
    if len(url) > LONGEST_URL:
        raise RequestRefused(
            f"the address of the consent screen has {len(url)} characters, and more than {LONGEST_URL} do not reach"
            f" every server: publish a policy that requests fewer scopes than {len(requested)}",
            status=0,
        )
    return BegunConsent(
        url,
        session_id=request.attempt,
        requested=requested if oauth.takes_scopes else None,
        verifier=verifier,
    )


def scopes_for(oauth: OAuth, request: ConsentRequest) -> tuple[str, ...]:
    """The scopes to request: the missing ones where a consent adds, else those held as well that the policy requests.

    With them go those that the protocol itself needs: for the refresh token, and to learn whose account it is.
    """
    if not oauth.takes_scopes:
        return ()
    adds = oauth.consents is Consents.ADD or bool(oauth.incremental_consent)
    wanted = request.missing if adds and request.missing and request.connected_as else request.missing + request.held
    account = oauth.account
    by_openid = account.at is AccountFrom.ID_TOKEN or (
        account.at is AccountFrom.ENDPOINT and account.fields == ("sub",)
    )
    own = (OPENID,) if by_openid else ()
    return tuple(dict.fromkeys((*wanted, *oauth.offline_scopes, *own)))


def finish(server: Server, returned: ConsentReturn, is_held: HeldAlready) -> Finished:
    """Exchange the code of a return, once, and find out whose account it is and what was granted.

    `is_held` says whether a connection of ours holds an account. Raises SourceErrors as `Gateway.finish_consent` does.
    """
    parameters = returned.parameters
    _check_issuer(server, parameters)
    if failure := _failure(server.oauth, returned):
        return Finished((failure,), server.oauth)
    answer = server.exchange(_code(parameters), _verifier(server.oauth, returned), returned.callback_url)
    if answer.id_token and OPENID in (returned.requested or ()):
        nonce = nonce_of(returned.verifier) if server.oauth.nonce else None
        check_id_token(claims_of(answer.id_token), server.client, nonce, returned.at)
    account = account_of(server, answer, parameters)
    user_id = _user_id(account.id, returned.connected_as)
    if user_id is None:
        assert account.id is not None
        _revoke_if_alone(server, answer, account.id, is_held)
        return Finished((_failed(returned, WRONG_ACCOUNT),), server.oauth)
    found = granted(server.oauth, returned.provider, answer, parameters, returned.requested, server)
    return Finished(
        (_given(returned, user_id, found, account.earlier),),
        server.oauth,
        user_id,
        returned.provider.slug,
        answer,
        returned.requested or (),
        found.at,
    )


def _check_issuer(server: Server, parameters: Mapping[str, Sequence[str]]) -> None:
    """RFC 9207: a return of another server than the one that the person was sent to is no return."""
    oauth, issuers = server.oauth, parameters.get("iss", ())
    expected = oauth.issuer
    if (
        (oauth.sends_iss and expected and not issuers)
        or len(issuers) > 1
        or (issuers and expected and issuers[0] != expected)
    ):
        raise RequestRefused("the return is of another authorization server than the person was sent to", status=0)


def _failure(oauth: OAuth, returned: ConsentReturn) -> AttemptFailed | None:
    """The failure that a return reports; None for one with a code. Raises AccountRefused where it is about us."""
    error = _first(returned.parameters, "error")
    if not error:
        return None
    words = blotted(_first(returned.parameters, "error_description"), (_first(returned.parameters, "code"),))
    if error in OUR_REGISTRATION or error == "invalid_client":
        message = f"the consent returned with {error}{f', {words}' if words else ''}"
        raise AccountRefused(message, trouble=AccountTrouble.FORBIDDEN)
    if _ONLY_AN_ADMINISTRATOR.search(f"{error} {words}"):
        return _failed(returned, ADMIN_CONSENT_REQUIRED, words)
    if error in REFUSALS or error in oauth.refusal_errors:
        return _failed(returned, ACCESS_DENIED, words)
    return _failed(returned, error if _CODE.fullmatch(error) else FAILED_WITHOUT_A_CODE, words)


def _code(parameters: Mapping[str, Sequence[str]]) -> str:
    codes = parameters.get("code", ())
    if len(codes) != 1 or not codes[0].strip():
        raise RequestRefused("the return has neither one code nor an error", status=0)
    return codes[0]


def _verifier(oauth: OAuth, returned: ConsentReturn) -> str:
    return "" if oauth.pkce is Pkce.REFUSED else returned.verifier


def _user_id(account: str | None, connected_as: str) -> str | None:
    """The source's id of the connection; None where the account is another than that of the one to be fixed.

    Where the provider does not tell the account, that cannot be found out, and the connection keeps its id.
    """
    unknown = account is None or connected_as.startswith(WITHOUT_ACCOUNT)
    if connected_as and (unknown or account == connected_as):
        return connected_as
    if connected_as:
        return None
    return account or f"{WITHOUT_ACCOUNT}{secrets.token_hex(12)}"


def _revoke_if_alone(server: Server, answer: TokenAnswer, account: str, is_held: HeldAlready) -> None:
    """Give back the tokens of another account, where nothing else ends with them."""
    revocation = server.oauth.revocation
    if revocation is None or revocation.ends is not Ends.TOKEN or is_held(account):
        return
    try:
        server.revoke(answer.access, answer.refresh, account)
    except SourceError as error:
        log.warning("the tokens of another account than before are not kept, and could not be revoked: %s", error)


def _given(returned: ConsentReturn, user_id: str, found: Granted, earlier: tuple[tuple[str, str], ...]) -> ConsentGiven:
    return ConsentGiven(
        returned.provider.slug,
        user_id,
        returned.at,
        returned.reference_id,
        found.scopes,
        returned.session_id,
        earlier_accounts=earlier,
    )


def _failed(returned: ConsentReturn, reason: str, message: str = "") -> AttemptFailed:
    about = returned.provider.slug, returned.reference_id
    return AttemptFailed(returned.at, reason, *about, session_id=returned.session_id, message=message)


def _first(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(parameters.get(name, ())), "")
