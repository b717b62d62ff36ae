"""The `oauth:` block of a provider's file: what is read, and what is refused with its file and line."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from scopes.catalogue import CatalogueError, Provider, load, oauth_block
from scopes.catalogue.oauth import (
    Account,
    AccountFrom,
    ClientAuthentication,
    Consents,
    Encoding,
    Ends,
    Introspection,
    Method,
    OAuth,
    Omitted,
    Pkce,
    Refresh,
    Report,
    ReportedAt,
    Revocation,
    Rotates,
    SignalKind,
    Signals,
    TokenIn,
    TokenType,
)

HEAD = """\
slug: stride
name: Stride
known_as: {}
reports_scopes: yes
can_untick: no
console_approval: unknown
sources: {https://stride.example/docs: 2026-11-20}
scopes: []
"""
BLOCK = """\
oauth:
  authorization_endpoint: https://stride.example/oauth/authorize
  token_endpoint: https://stride.example/oauth/token
  account: {at: endpoint, endpoint: https://api.stride.example/me, fields: [id]}
  sources: {https://stride.example/docs/oauth: 2026-11-21}
"""
FULL = (
    BLOCK.replace("account: {at: endpoint, endpoint: https://api.stride.example/me, fields: [id]}", "{account}")
    .replace("stride.example/oauth/token", "{shop}.stride.example/oauth/token")
    .replace("{account}", "account: {at: token_response, fields: [team.id, user.id]}")
    + """\
  revocation:
    endpoint: https://api.stride.example/clients/{client_id}/tokens/{account_id}
    method: delete
    token_in: json
    parameter: access_token
    token: access_token
    client_authentication: client_secret_basic
    ends: token
  introspection:
    endpoint: https://{shop}.stride.example/introspect
    token_in: query
    method: get
  issuer: https://{shop}.stride.example
  sends_iss: true
  nonce: false
  scope_parameter: user_scope
  scope_separator: ","
  offline_scopes: [offline]
  not_echoed: [openid, offline]
  pkce: required
  client_authentication: client_secret_post
  token_request: json
  token_parameters: {action: requesttoken}
  tokens_in: body
  success: {status: 0}
  authorization_parameters: {access_type: offline}
  forced_consent: {prompt: consent}
  incremental_consent: {include_granted_scopes: true}
  reports:
    - {at: callback}
    - {at: header, field: x-scopes, endpoint: https://api.stride.example/me}
    - {at: introspection}
    - {at: claim, field: scp}
  omitted_scope: unknown
  consents: add
  refresh:
    endpoint: https://{shop}.stride.example/oauth/refresh
    parameters: {scope: offline}
    rotates: yes
    grace_seconds: 60
    may_retry: true
    redirect_uri: true
    lifetime_days: 90
    unused_days: 30
  access_token_seconds: 3600
  admin_consent: true
  refusal_errors: [user_cancelled]
  signals:
    kind: set
    issuer: https://stride.example/
    jwks_uri: https://{shop}.stride.example/keys
  requests_per_second: 2.5
  confirmed: false
  unconfirmed: [pkce, consents]
"""
)


def written(directory: Path, text: str) -> Path:
    (directory / "stride.yaml").write_text(text, "utf-8")
    return directory


def read(directory: Path, block: str) -> OAuth:
    oauth = load(written(directory, HEAD + block)).provider("stride").oauth
    assert oauth
    return oauth


def test_a_provider_that_keeps_to_the_standards_has_a_block_of_four_keys(tmp_path: Path) -> None:
    assert read(tmp_path, BLOCK) == OAuth(
        "https://stride.example/oauth/authorize",
        "https://stride.example/oauth/token",
        Account(AccountFrom.ENDPOINT, ("id",), "https://api.stride.example/me"),
        sources=(("https://stride.example/docs/oauth", date(2026, 11, 21)),),
    )


def test_what_no_block_says_is_what_the_standards_say(tmp_path: Path) -> None:
    oauth = read(tmp_path, BLOCK)
    assert (oauth.scope_parameter, oauth.scope_separator, oauth.token_request) == ("scope", " ", Encoding.FORM)
    assert oauth.client_authentication is ClientAuthentication.BASIC
    assert (oauth.reports, oauth.omitted_scope) == ((Report(ReportedAt.TOKEN_RESPONSE),), Omitted.AS_REQUESTED)
    assert (oauth.consents, oauth.refresh, oauth.signals) == (Consents.UNKNOWN, Refresh(), None)
    assert oauth.confirmed
    assert oauth.nonce and not (oauth.refresh.may_retry or oauth.refresh.redirect_uri)


def test_every_key_is_read(tmp_path: Path) -> None:
    oauth = read(tmp_path, FULL)
    assert oauth.account == Account(AccountFrom.TOKEN_RESPONSE, ("team.id", "user.id"))
    assert oauth.revocation == Revocation(
        "https://api.stride.example/clients/{client_id}/tokens/{account_id}",
        Method.DELETE,
        TokenIn.JSON,
        "access_token",
        TokenType.ACCESS,
        ClientAuthentication.BASIC,
        Ends.TOKEN,
    )
    assert oauth.introspection == Introspection(
        "https://{shop}.stride.example/introspect", Method.GET, TokenIn.QUERY, "token", TokenType.ACCESS, None
    )
    assert (oauth.issuer, oauth.sends_iss, oauth.nonce) == ("https://{shop}.stride.example", True, False)
    assert (oauth.scope_parameter, oauth.scope_separator, oauth.pkce) == ("user_scope", ",", Pkce.REQUIRED)
    assert (oauth.offline_scopes, oauth.not_echoed) == (("offline",), ("openid", "offline"))
    assert (oauth.client_authentication, oauth.token_request) == (ClientAuthentication.POST, Encoding.JSON)
    assert (oauth.token_parameters, oauth.tokens_in) == ((("action", "requesttoken"),), "body")
    assert (oauth.success, oauth.authorization_parameters) == ((("status", "0"),), (("access_type", "offline"),))
    assert oauth.forced_consent == (("prompt", "consent"),)
    assert oauth.incremental_consent == (("include_granted_scopes", "true"),)
    assert oauth.reports == (
        Report(ReportedAt.CALLBACK),
        Report(ReportedAt.HEADER, "x-scopes", "https://api.stride.example/me"),
        Report(ReportedAt.INTROSPECTION),
        Report(ReportedAt.CLAIM, "scp"),
    )
    assert (oauth.omitted_scope, oauth.consents) == (Omitted.UNKNOWN, Consents.ADD)
    assert oauth.refresh == Refresh(
        "https://{shop}.stride.example/oauth/refresh", (("scope", "offline"),), Rotates.YES, 60, True, True, 90, 30
    )
    assert (oauth.access_token_seconds, oauth.admin_consent) == (3600, True)
    assert oauth.refusal_errors == ("user_cancelled",)
    assert oauth.signals == Signals(SignalKind.SET, "https://stride.example/", "https://{shop}.stride.example/keys")
    assert (oauth.requests_per_second, oauth.confirmed, oauth.unconfirmed) == (2.5, False, ("pkce", "consents"))


@pytest.mark.parametrize("block", [BLOCK, FULL])
def test_a_block_can_be_stored_and_read_back(tmp_path: Path, block: str) -> None:
    provider = load(written(tmp_path, HEAD + block)).provider("stride")
    assert provider.oauth
    assert Provider.from_data(json.loads(json.dumps(provider.as_data()))) == provider


def test_an_entry_that_was_stored_before_there_were_blocks_is_read(tmp_path: Path) -> None:
    provider = load(written(tmp_path, HEAD)).provider("stride")
    data = provider.as_data()
    assert data.pop("oauth") is None
    assert Provider.from_data(data) == provider


def test_the_client_s_setting_fills_its_place_in_all_addresses(tmp_path: Path) -> None:
    oauth = read(tmp_path, FULL)
    assert oauth.places == ("shop",)
    filled = oauth.with_places({"shop": "ada"})
    assert not filled.places
    assert filled.token_endpoint == "https://ada.stride.example/oauth/token"
    assert filled.issuer == "https://ada.stride.example"
    assert filled.introspection and filled.introspection.endpoint == "https://ada.stride.example/introspect"
    assert filled.refresh.endpoint == "https://ada.stride.example/oauth/refresh"
    assert filled.signals and filled.signals.jwks_uri == "https://ada.stride.example/keys"
    assert filled.revocation == oauth.revocation
    with pytest.raises(KeyError):
        oauth.with_places({})


def test_a_revocation_sends_the_refresh_token_unless_the_token_is_its_credential(tmp_path: Path) -> None:
    revoked = BLOCK + "  revocation: {endpoint: https://stride.example/revoke, ends: token}\n"
    assert read(tmp_path, revoked).revocation == Revocation("https://stride.example/revoke", ends=Ends.TOKEN)
    bearer = read(tmp_path, revoked.replace("ends: token", "ends: grant, token_in: bearer, method: delete")).revocation
    assert bearer
    assert (bearer.token, bearer.client_authentication) == (TokenType.ACCESS, ClientAuthentication.NONE)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8100/token", "http://localhost/token", "http://[::1]:9/token", "https://a.example/t"]
)
def test_an_address_is_encrypted_or_on_this_machine(tmp_path: Path, address: str) -> None:
    assert read(tmp_path, BLOCK.replace("https://stride.example/oauth/token", address)).token_endpoint == address


@pytest.mark.parametrize(
    "address",
    ["http://stride.example/token", "ftp://stride.example/token", "stride.example/token", "/token", "https:///token"],
)
def test_any_other_address_is_refused(tmp_path: Path, address: str) -> None:
    text = HEAD + BLOCK.replace("https://stride.example/oauth/token", address)
    with pytest.raises(CatalogueError, match="line 11: token_endpoint must begin with https://"):
        load(written(tmp_path, text))


@pytest.mark.parametrize(
    "address",
    [
        "https://stride.example/{Shop}/token",
        "https://stride.example/{shop/token",
        "https://stride.example/to ken",
        "https://ada:secret@stride.example/token",
        "https://stride.example/token#top",
        "https://stride.example:port/token",
        "https://[stride.example/token",
        "https://stride.example/tökén",
    ],
)
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    text = HEAD + BLOCK.replace("https://stride.example/oauth/token", f'"{address}"')
    with pytest.raises(CatalogueError, match="line 11: token_endpoint is no address"):
        load(written(tmp_path, text))


ACCOUNT = "{at: endpoint, endpoint: https://api.stride.example/me, fields: [id]}"


@pytest.mark.parametrize(
    ("block", "line", "reason"),
    [
        ("oauth: yes\n", 9, "oauth must be keys with values"),
        (BLOCK.replace("  token_endpoint: https://stride.example/oauth/token\n", ""), 10, "oauth lacks token_endpoint"),
        (BLOCK.replace("  sources: {https://stride.example/docs/oauth: 2026-11-21}\n", ""), 10, "oauth lacks sources"),
        (BLOCK + "  colour: red\n", 14, "oauth has no key colour"),
        (BLOCK + "  pkce: supported\n  pkce: refused\n", 15, "the key pkce stands here twice"),
        (BLOCK.replace("2026-11-21", "lately"), 13, "the day on which a source was read must be a date"),
        (BLOCK.replace("{https://stride.example/docs", "{http://stride.example/docs"), 13, "begins with https://"),
        (BLOCK.replace(ACCOUNT, "{at: home}"), 12, "at must be one of endpoint, token_response"),
        (BLOCK.replace(ACCOUNT, "{at: nowhere, colour: red}"), 12, "account has no key colour"),
        (BLOCK.replace(ACCOUNT, "{fields: [id]}"), 12, "account lacks at"),
        (BLOCK.replace(ACCOUNT, "{at: endpoint, fields: [id]}"), 12, "account has an endpoint if"),
        (BLOCK.replace("at: endpoint,", "at: id_token,"), 12, "account has an endpoint if"),
        (BLOCK.replace(ACCOUNT, "{at: nowhere, fields: [id]}"), 12, "account has fields unless"),
        (BLOCK.replace(ACCOUNT, "{at: callback}"), 12, "account has fields unless"),
        (BLOCK.replace(ACCOUNT, "{at: introspection, fields: [sub]}"), 12, "there is no introspection"),
        (BLOCK + "  revocation: {}\n", 14, "revocation lacks endpoint"),
        (BLOCK + "  revocation: {endpoint: https://a.example/r}\n", 14, "say what revoking ends"),
        (BLOCK + "  revocation: {endpoint: https://a.example/r, ends: all}\n", 14, "ends must be one of token, grant"),
        (BLOCK + "  revocation: {endpoint: http://a.example/r, ends: grant}\n", 14, "endpoint must begin with https"),
        (
            BLOCK + "  introspection: {endpoint: https://a.example/i, ends: grant}\n",
            14,
            "introspection has no key ends",
        ),
        (BLOCK + "  introspection: {endpoint: https://a.example/i, method: put}\n", 14, "method must be one of post"),
        (BLOCK + "  introspection: {endpoint: https://a.example/i, method: get}\n", 14, "a GET has no body"),
        (
            BLOCK + "  introspection: {endpoint: https://a.example/i, token_in: bearer, parameter: t}\n",
            14,
            "parameter means nothing where the token is in the bearer header",
        ),
        (BLOCK + "  issuer: http://stride.example\n", 14, "issuer must begin with https://"),
        (BLOCK + "  issuer: https://stride.example/{account_id}\n", 14, "issuer has a place that only revocation"),
        (BLOCK + "  issuer: https://{a}.example/{b}\n", 10, "more than one place to fill: a, b"),
        (BLOCK + "  sends_iss: true\n", 14, "sends_iss needs the issuer"),
        (BLOCK + "  sends_iss: yes\n", 14, "sends_iss must be true or false, not yes"),
        (BLOCK + "  takes_scopes: false\n", 14, "omitted_scope must be unknown"),
        (
            BLOCK + "  takes_scopes: false\n  omitted_scope: unknown\n  offline_scopes: [offline]\n",
            16,
            "offline_scopes means nothing where takes_scopes is false",
        ),
        (BLOCK + "  scope_separator: ;\n", 14, 'scope_separator must be " " or ","'),
        (BLOCK + "  scope_parameter:\n", 14, "scope_parameter is empty"),
        (BLOCK + "  pkce: always\n", 14, "pkce must be one of required, supported, refused, unknown, not always"),
        (BLOCK + "  client_authentication: body\n", 14, "client_authentication must be one of client_secret_basic"),
        (BLOCK + "  token_request: xml\n", 14, "token_request must be one of form, json"),
        (BLOCK + "  token_parameters: {client_secret: x}\n", 14, "token_parameters cannot set client_secret"),
        (BLOCK + "  authorization_parameters: {state: x}\n", 14, "authorization_parameters cannot set state"),
        (BLOCK + "  authorization_parameters: [prompt]\n", 14, "authorization_parameters must be names with values"),
        (BLOCK + "  success: {ok: true, status: 0}\n", 14, "success has one field"),
        (BLOCK + "  reports: token_response\n", 14, "reports must be a list"),
        (BLOCK + "  reports:\n    - {at: moon}\n", 15, "at must be one of token_response, callback, header"),
        (BLOCK + "  reports:\n    - {at: callback, colour: red}\n", 15, "a report has no key colour"),
        (BLOCK + "  reports:\n    - {at: header, field: x-scopes}\n", 15, "a report has an endpoint if"),
        (BLOCK + "  reports:\n    - {at: claim, endpoint: https://a.example/c}\n", 15, "a report has an endpoint if"),
        (BLOCK + "  reports:\n    - {at: callback}\n    - {at: introspection}\n", 16, "there is no introspection"),
        (BLOCK + "  omitted_scope: none\n", 14, "omitted_scope must be one of as_requested, unknown"),
        (BLOCK + "  consents: adds\n", 14, "consents must be one of add, replace, unknown, not adds"),
        (BLOCK + "  refresh: {rotates: sometimes}\n", 14, "rotates must be one of yes, no, optional, unknown"),
        (BLOCK + "  refresh: {rotates: no, grace_seconds: 60}\n", 14, "grace_seconds means nothing"),
        (BLOCK + "  refresh: {lifetime_days: a year}\n", 14, "lifetime_days must be a whole number, not a year"),
        (BLOCK + "  refresh: {lifetime_days: -1}\n", 14, "lifetime_days must be a whole number, not -1"),
        (BLOCK + "  refresh: {parameters: {refresh_token: x}}\n", 14, "parameters cannot set refresh_token"),
        (BLOCK + "  refresh: {colour: red}\n", 14, "refresh has no key colour"),
        (BLOCK + "  access_token_seconds: 1h\n", 14, "access_token_seconds must be a whole number, not 1h"),
        (BLOCK + "  signals: {kind: morse}\n", 14, "kind must be one of strava, slack, set"),
        (BLOCK + "  signals: {kind: set}\n", 14, "signals have issuer and jwks_uri if"),
        (
            BLOCK + "  signals: {kind: slack, issuer: https://a.example, jwks_uri: https://a.example/k}\n",
            14,
            "signals have issuer and jwks_uri if",
        ),
        (BLOCK + "  requests_per_second: 0\n", 14, "requests_per_second must be a number over 0, not 0"),
        (BLOCK + "  requests_per_second: fast\n", 14, "requests_per_second must be a number over 0, not fast"),
        (BLOCK + "  unconfirmed:\n    - colour\n", 15, "unconfirmed names keys of the block, and colour is none"),
        (BLOCK + "  unconfirmed:\n    - sources\n", 15, "unconfirmed names keys of the block, and sources is none"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, block: str, line: int, reason: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        load(written(tmp_path, HEAD + block))
    assert (refused.value.file, refused.value.line) == ("stride.yaml", line)
    assert reason in refused.value.reason


def test_what_revoking_ends_may_be_unknown_where_the_block_says_so(tmp_path: Path) -> None:
    block = BLOCK + "  revocation: {endpoint: https://a.example/r}\n  unconfirmed: [revocation]\n"
    revocation = read(tmp_path, block).revocation
    assert revocation and revocation.ends is Ends.UNKNOWN


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        (OAuth, oauth_block.NEEDS | oauth_block.MAY),
        (Account, oauth_block.ACCOUNT_NEEDS | oauth_block.ACCOUNT_MAY),
        (Introspection, oauth_block.INTROSPECTION_NEEDS | oauth_block.INTROSPECTION_MAY),
        (Revocation, oauth_block.INTROSPECTION_NEEDS | oauth_block.REVOCATION_MAY),
        (Report, oauth_block.REPORT_NEEDS | oauth_block.REPORT_MAY),
        (Refresh, oauth_block.REFRESH_MAY),
        (Signals, oauth_block.SIGNALS_NEEDS | oauth_block.SIGNALS_MAY),
    ],
)
def test_every_field_can_be_written_in_a_block(entry: type, keys: frozenset[str]) -> None:
    assert {field.name for field in fields(entry)} == keys
