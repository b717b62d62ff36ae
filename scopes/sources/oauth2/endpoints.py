"""Where a provider's endpoints are, and how they are used: from the catalogue, or discovered at the client's issuer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from scopes.catalogue.oauth import (
    Account,
    AccountFrom,
    ClientAuthentication,
    Ends,
    Introspection,
    OAuth,
    Pkce,
    Report,
    ReportedAt,
    Revocation,
    SignalKind,
    Signals,
)
from scopes.sources.calls import Calls
from scopes.sources.errors import RequestRefused
from scopes.sources.oauth2 import client as requests_as
from scopes.sources.oauth2.answers import During, read_object
from scopes.sources.oauth2.clients import Client, entry_of
from scopes.sources.variables import is_loopback, is_safe_address

KEPT_SECONDS = 3600.0
OAUTH, OPENID = "oauth-authorization-server", "openid-configuration"

_kept: dict[tuple[str, str], tuple[float, OAuth]] = {}
_lock = Lock()


def endpoints_of(client: Client, calls: Calls) -> OAuth:
    """How the client's provider works, with all places of its addresses filled.

    Of a client with an issuer, the endpoints are what the issuer publishes now, as read within the last hour; all else
    is the catalogue's, where it knows the provider. Raises SourceUnavailable, and RequestRefused for metadata that
    cannot be used.
    """
    entry = entry_of(client.provider)
    if not client.issuer:
        if entry is None:
            raise RequestRefused(f"the catalogue has no oauth block of {client.provider}", status=0)
        return entry.with_places(dict.fromkeys(entry.places, client.domain))
    key = client.issuer, client.provider
    with _lock:
        until, known = _kept.get(key, (0.0, None))
    if known is None or until < time.monotonic():
        known = _used(discover(client, calls), entry)
        with _lock:
            _kept[key] = time.monotonic() + KEPT_SECONDS, known
    return known


def forget() -> None:
    """Forget all that was discovered, so that it is read anew."""
    with _lock:
        _kept.clear()


def discover(client: Client, calls: Calls) -> Mapping[str, Any]:
    """What the issuer publishes about itself: RFC 8414, else OpenID Connect Discovery. It must name the same issuer."""
    what = f"{client.name}'s metadata"
    for address in metadata_addresses(client.issuer):
        answered = requests_as.get(address, what, calls)
        if answered.status == HTTPStatus.NOT_FOUND:
            continue
        metadata = read_object(answered, what, During.TOKEN_CALL, ())
        if metadata.get("issuer") != client.issuer:
            raise RequestRefused(
                f"{what}: they are of another issuer than {client.variable('ISSUER')} names, to the letter",
                status=answered.status,
            )
        for name in _wrong_addresses(metadata, client):
            raise RequestRefused(f"{what}: {name} is missing, or no https:// address", status=answered.status)
        return metadata
    raise RequestRefused(f"{what}: there are none, neither by RFC 8414 nor by OpenID", status=HTTPStatus.NOT_FOUND)


def metadata_addresses(issuer: str) -> tuple[str, str]:
    """Where the metadata of an issuer are: RFC 8414 puts its name before the issuer's path, OpenID after it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    first = urlunsplit((parts.scheme, parts.netloc, f"/.well-known/{OAUTH}{path}", "", ""))
    return first, f"{issuer.rstrip('/')}/.well-known/{OPENID}"


def _wrong_addresses(metadata: Mapping[str, Any], client: Client) -> Iterator[str]:
    own_machine = is_loopback(urlsplit(client.issuer).hostname or "") and not client.production
    for name in ("authorization_endpoint", "token_endpoint", *_OPTIONAL):
        address = metadata.get(name)
        if address is None and name in _OPTIONAL:
            continue
        safe = isinstance(address, str) and is_safe_address(address)
        if not safe or (not own_machine and not str(address).startswith("https://")):
            yield name


_OPTIONAL = ("revocation_endpoint", "introspection_endpoint", "userinfo_endpoint", "jwks_uri")


def _used(metadata: Mapping[str, Any], entry: OAuth | None) -> OAuth:
    """The metadata as an entry of the catalogue; what the catalogue says of the provider is kept."""
    revocation, introspection = metadata.get("revocation_endpoint"), metadata.get("introspection_endpoint")
    userinfo = metadata.get("userinfo_endpoint")
    pkce = Pkce.SUPPORTED if "S256" in _listed(metadata, "code_challenge_methods_supported") else Pkce.UNKNOWN
    found = entry or _standard(metadata)
    account = found.account
    if entry and account.at is AccountFrom.ENDPOINT and account.endpoint and userinfo and entry.issuer:
        account = replace(account, endpoint=userinfo)
    return replace(
        found,
        authorization_endpoint=metadata["authorization_endpoint"],
        token_endpoint=metadata["token_endpoint"],
        account=account,
        revocation=replace(found.revocation or Revocation(endpoint="", ends=Ends.TOKEN), endpoint=revocation)
        if revocation
        else None,
        introspection=replace(found.introspection or Introspection(endpoint=""), endpoint=introspection)
        if introspection
        else None,
        issuer=metadata["issuer"],
        signals=found.signals or _signals(metadata),
        sends_iss=metadata.get("authorization_response_iss_parameter_supported") is True,
        pkce=found.pkce if found.pkce is not Pkce.UNKNOWN else pkce,
    )


def _standard(metadata: Mapping[str, Any]) -> OAuth:
    """A provider of which nothing is known but its metadata."""
    scopes = _listed(metadata, "scopes_supported")
    methods = _listed(metadata, "token_endpoint_auth_methods_supported") or [ClientAuthentication.BASIC]
    openid = "openid" in scopes or bool(_listed(metadata, "subject_types_supported"))
    offline = openid and "offline_access" in scopes
    reports = [Report(ReportedAt.TOKEN_RESPONSE)]
    if metadata.get("introspection_endpoint"):
        reports.append(Report(ReportedAt.INTROSPECTION))
    return OAuth(
        authorization_endpoint="",
        token_endpoint="",
        account=_account(metadata, openid=openid),
        offline_scopes=("offline_access",) if offline else (),
        client_authentication=next(
            (one for one in ClientAuthentication if one.value in methods), ClientAuthentication.BASIC
        ),
        # OpenID Connect Core, 11: without a consent prompt, a request for offline access is ignored.
        authorization_parameters=(("prompt", "consent"),) if offline else (),
        forced_consent=(("prompt", "consent"),) if openid else (),
        reports=tuple(reports),
    )


def _signals(metadata: Mapping[str, Any]) -> Signals | None:
    """Security events in the standard form, signed with the keys that the metadata name."""
    address = metadata.get("jwks_uri")
    return Signals(SignalKind.SET, metadata["issuer"], address) if address else None


def _account(metadata: Mapping[str, Any], *, openid: bool) -> Account:
    if openid and (userinfo := metadata.get("userinfo_endpoint")):
        return Account(AccountFrom.ENDPOINT, ("sub",), userinfo)
    if openid:
        return Account(AccountFrom.ID_TOKEN, ("sub",))
    if metadata.get("introspection_endpoint"):
        return Account(AccountFrom.INTROSPECTION, ("sub",))
    return Account(AccountFrom.NOWHERE)


def _listed(metadata: Mapping[str, Any], name: str) -> list[str]:
    value = metadata.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
