"""How a provider's OAuth 2.0 works, for a client of ours: endpoints, and in what it differs from the standards.

Each default is what RFC 6749 (and 7009, 7662, 7636, 9207) says, so a provider that keeps to them has a short block.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Self

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# The places of an address that we fill ourselves; all others are settings of the client.
ACCOUNT_ID = "account_id"
CLIENT_ID = "client_id"
OURS = frozenset({ACCOUNT_ID, CLIENT_ID})

type Pairs = tuple[tuple[str, str], ...]


class Pkce(StrEnum):
    """Whether the provider takes a code challenge (RFC 7636). One is sent unless it is refused."""

    REQUIRED = "required"
    SUPPORTED = "supported"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class ClientAuthentication(StrEnum):
    """How our client proves itself, as RFC 7591 names it. Of a provider that takes both, the first."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    NONE = "none"


class Encoding(StrEnum):
    """How the body of a request is written."""

    FORM = "form"
    JSON = "json"


class Method(StrEnum):
    """How a token is revoked or introspected, in HTTP's words."""

    POST = "post"
    GET = "get"
    DELETE = "delete"


class TokenIn(StrEnum):
    """Where a request carries the token that it is about; `bearer` is the Authorization header."""

    FORM = "form"
    JSON = "json"
    QUERY = "query"
    BEARER = "bearer"


class TokenType(StrEnum):
    """Which of a connection's tokens, as RFC 7009 names them."""

    ACCESS = "access_token"
    REFRESH = "refresh_token"


class Ends(StrEnum):
    """What revoking ends: this token (with those that came of it), or the account's whole grant to our client."""

    TOKEN = "token"  # noqa: S105
    GRANT = "grant"
    UNKNOWN = "unknown"


class AccountFrom(StrEnum):
    """Where the id of the account is read after an exchange. `nowhere`: the provider reports none."""

    ENDPOINT = "endpoint"
    TOKEN_RESPONSE = "token_response"  # noqa: S105
    ID_TOKEN = "id_token"  # noqa: S105
    ACCESS_TOKEN = "access_token"  # noqa: S105
    CALLBACK = "callback"
    INTROSPECTION = "introspection"
    NOWHERE = "nowhere"


class ReportedAt(StrEnum):
    """Where the provider reports what it granted. `claim` is one of an access token that is a JWT."""

    TOKEN_RESPONSE = "token_response"  # noqa: S105
    CALLBACK = "callback"
    HEADER = "header"
    ENDPOINT = "endpoint"
    INTROSPECTION = "introspection"
    CLAIM = "claim"


class Omitted(StrEnum):
    """What was granted where nothing reports it: what was requested (RFC 6749, 5.1), or nobody knows."""

    AS_REQUESTED = "as_requested"
    UNKNOWN = "unknown"


class Consents(StrEnum):
    """Whether a further consent adds to what was granted before, or replaces it."""

    ADD = "add"
    REPLACE = "replace"
    UNKNOWN = "unknown"


class Rotates(StrEnum):
    """Whether a refresh brings another refresh token and ends the one that was sent; `optional`: it may."""

    YES = "yes"
    NO = "no"
    OPTIONAL = "optional"
    UNKNOWN = "unknown"


class SignalKind(StrEnum):
    """The form of the events by which the provider reports a revocation; `set` is RFC 8417, pushed as RFC 8935 says."""

    STRAVA = "strava"
    SLACK = "slack"
    SET = "set"


@dataclass(frozen=True)
class Introspection:
    """A request about one token, which it carries under the name `parameter`; the default is RFC 7662.

    `client_authentication` is None where it is that of the token endpoint.
    """

    endpoint: str
    method: Method = Method.POST
    token_in: TokenIn = TokenIn.FORM
    parameter: str = "token"
    token: TokenType = TokenType.ACCESS
    client_authentication: ClientAuthentication | None = None

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        authentication = data["client_authentication"]
        return cls(
            **{
                **data,
                "method": Method(data["method"]),
                "token_in": TokenIn(data["token_in"]),
                "token": TokenType(data["token"]),
                "client_authentication": ClientAuthentication(authentication) if authentication else None,
            }
        )


@dataclass(frozen=True)
class Revocation(Introspection):
    """A request that ends a token; the default is RFC 7009, with the refresh token where there is one."""

    token: TokenType = TokenType.REFRESH
    ends: Ends = Ends.UNKNOWN

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        return super().from_data({**data, "ends": Ends(data["ends"])})


@dataclass(frozen=True)
class Account:
    """Where the account's id is: dotted `fields` of an answer (`data.0.id`), joined by `:` where there are several.

    `endpoint` is read with the access token as a bearer. Claims, and parameters of the callback, are fields as well.
    `earlier` are pairs of a provider that this one succeeds and the field with the same person's account id there.
    """

    at: AccountFrom
    fields: tuple[str, ...] = ()
    endpoint: str = ""
    earlier: Pairs = ()

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        earlier = tuple((slug, name) for slug, name in data.get("earlier", ()))
        return cls(AccountFrom(data["at"]), tuple(data["fields"]), data["endpoint"], earlier)


@dataclass(frozen=True)
class Report:
    """One place where the granted scopes are reported: a dotted field, a claim, a header, a parameter of the callback.

    `endpoint` is what is read with the access token for a field or a header.
    """

    at: ReportedAt
    field: str = "scope"
    endpoint: str = ""

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        return cls(ReportedAt(data["at"]), data["field"], data["endpoint"])


@dataclass(frozen=True)
class Refresh:
    """How tokens are refreshed. `endpoint` is empty where it is the token endpoint.

    After a rotation the refresh token that was sent still works for `grace_seconds`; None where nobody says.
    `may_retry`: where the answer was lost, the same refresh token may be sent once more. `redirect_uri`: the one of the
    consent is sent again. `lifetime_days` count from the consent or the last rotation, `unused_days` from the last use;
    None where there is no end, or none is known.
    """

    endpoint: str = ""
    parameters: Pairs = ()
    rotates: Rotates = Rotates.UNKNOWN
    grace_seconds: int | None = None
    may_retry: bool = False
    redirect_uri: bool = False
    lifetime_days: int | None = None
    unused_days: int | None = None

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "parameters": _pairs(data["parameters"]), "rotates": Rotates(data["rotates"])})


@dataclass(frozen=True)
class Signals:
    """The events that the provider sends to us. A `set` is signed with a key of `jwks_uri`, by `issuer`."""

    kind: SignalKind
    issuer: str = ""
    jwks_uri: str = ""

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        return cls(SignalKind(data["kind"]), data["issuer"], data["jwks_uri"])


@dataclass(frozen=True)
class OAuth:
    """The authorization server of one provider, and what a client of it has to know.

    An address may have places in braces: `{client_id}` and `{account_id}` are ours, one other is a client's setting.
    `sends_iss`: every return carries `iss` (RFC 9207). `nonce` is false where ID tokens lack the nonce that was sent.
    `takes_scopes` is false where no scopes can be requested. `offline_scopes` are requested with every consent, for the
    refresh token. `not_echoed` are scopes of which a report may be silent although they were granted. `tokens_in` is
    the dotted field of a token response that holds the tokens and their scope; a response without it is read from its
    top. `success` is the field of a token response, with its value, without which it is an error whatever its HTTP
    status. `reports` are looked at in their order. `admin_consent`: there are scopes to which only an administrator can
    consent. `refusal_errors` are errors on the return, other than `access_denied`, by which a person refused.
    `access_token_seconds` is the lifetime where a response names none. `unconfirmed` are keys of the block that rest on
    one unofficial source or less.
    """

    authorization_endpoint: str
    token_endpoint: str
    account: Account
    revocation: Revocation | None = None
    introspection: Introspection | None = None
    issuer: str = ""
    sends_iss: bool = False
    nonce: bool = True
    takes_scopes: bool = True
    scope_parameter: str = "scope"
    scope_separator: str = " "
    offline_scopes: tuple[str, ...] = ()
    not_echoed: tuple[str, ...] = ("openid", "offline_access")
    pkce: Pkce = Pkce.UNKNOWN
    client_authentication: ClientAuthentication = ClientAuthentication.BASIC
    token_request: Encoding = Encoding.FORM
    token_parameters: Pairs = ()
    tokens_in: str = ""
    success: Pairs = ()
    authorization_parameters: Pairs = ()
    forced_consent: Pairs = ()
    incremental_consent: Pairs = ()
    reports: tuple[Report, ...] = (Report(ReportedAt.TOKEN_RESPONSE),)
    omitted_scope: Omitted = Omitted.AS_REQUESTED
    consents: Consents = Consents.UNKNOWN
    refresh: Refresh = field(default_factory=Refresh)
    access_token_seconds: int | None = None
    admin_consent: bool = False
    refusal_errors: tuple[str, ...] = ()
    signals: Signals | None = None
    requests_per_second: float | None = None
    confirmed: bool = True
    unconfirmed: tuple[str, ...] = ()
    sources: tuple[tuple[str, date], ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of it."""
        found = (
            self.authorization_endpoint,
            self.token_endpoint,
            self.account.endpoint,
            self.revocation.endpoint if self.revocation else "",
            self.introspection.endpoint if self.introspection else "",
            self.issuer,
            *(report.endpoint for report in self.reports),
            self.refresh.endpoint,
            self.signals.issuer if self.signals else "",
            self.signals.jwks_uri if self.signals else "",
        )
        return tuple(address for address in found if address)

    @property
    def places(self) -> tuple[str, ...]:
        """The places of its addresses that a client's settings fill, each once."""
        names = (name for address in self.addresses for name in PLACE.findall(address) if name not in OURS)
        return tuple(dict.fromkeys(names))

    def with_places(self, values: dict[str, str]) -> OAuth:
        """The same with these places filled in all addresses; KeyError where a value is missing."""

        def filled(address: str) -> str:
            return PLACE.sub(lambda place: place[0] if place[1] in OURS else values[place[1]], address)

        revocation, introspection, signals = self.revocation, self.introspection, self.signals
        return replace(
            self,
            authorization_endpoint=filled(self.authorization_endpoint),
            token_endpoint=filled(self.token_endpoint),
            account=replace(self.account, endpoint=filled(self.account.endpoint)),
            revocation=revocation and replace(revocation, endpoint=filled(revocation.endpoint)),
            introspection=introspection and replace(introspection, endpoint=filled(introspection.endpoint)),
            issuer=filled(self.issuer),
            reports=tuple(replace(report, endpoint=filled(report.endpoint)) for report in self.reports),
            refresh=replace(self.refresh, endpoint=filled(self.refresh.endpoint)),
            signals=signals and replace(signals, issuer=filled(signals.issuer), jwks_uri=filled(signals.jwks_uri)),
        )

    def as_data(self) -> dict[str, Any]:
        """JSON-ready; `from_data` reads it back."""
        return {**asdict(self), "sources": tuple((address, day.isoformat()) for address, day in self.sources)}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> OAuth:
        revocation, introspection, signals = data["revocation"], data["introspection"], data["signals"]
        texts = ("offline_scopes", "not_echoed", "refusal_errors", "unconfirmed")
        pairs = ("token_parameters", "success", "authorization_parameters", "forced_consent", "incremental_consent")
        return cls(
            **{
                **data,
                **{key: tuple(data[key]) for key in texts},
                **{key: _pairs(data[key]) for key in pairs},
                "account": Account.from_data(data["account"]),
                "revocation": Revocation.from_data(revocation) if revocation else None,
                "introspection": Introspection.from_data(introspection) if introspection else None,
                "pkce": Pkce(data["pkce"]),
                "client_authentication": ClientAuthentication(data["client_authentication"]),
                "token_request": Encoding(data["token_request"]),
                "reports": tuple(Report.from_data(report) for report in data["reports"]),
                "omitted_scope": Omitted(data["omitted_scope"]),
                "consents": Consents(data["consents"]),
                "refresh": Refresh.from_data(data["refresh"]),
                "signals": Signals.from_data(signals) if signals else None,
                "sources": tuple((address, date.fromisoformat(day)) for address, day in data["sources"]),
            }
        )


def _pairs(data: list[list[str]]) -> Pairs:
    return tuple((name, value) for name, value in data)
