"""The `oauth:` block of a provider's file, read and checked."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

import yaml

from scopes.catalogue.oauth import (
    OURS,
    PLACE,
    Account,
    AccountFrom,
    ClientAuthentication,
    Ends,
    Introspection,
    Method,
    OAuth,
    Omitted,
    Pairs,
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
from scopes.catalogue.yaml_page import Nodes, Page

NEEDS = frozenset({"authorization_endpoint", "token_endpoint", "account", "sources"})
MAY = frozenset(
    {
        "access_token_seconds",
        "admin_consent",
        "authorization_parameters",
        "client_authentication",
        "confirmed",
        "consents",
        "forced_consent",
        "incremental_consent",
        "introspection",
        "issuer",
        "nonce",
        "not_echoed",
        "offline_scopes",
        "omitted_scope",
        "pkce",
        "refresh",
        "refusal_errors",
        "reports",
        "requests_per_second",
        "revocation",
        "scope_parameter",
        "scope_separator",
        "sends_iss",
        "signals",
        "success",
        "takes_scopes",
        "token_parameters",
        "token_request",
        "tokens_in",
        "unconfirmed",
    }
)
INTROSPECTION_NEEDS = frozenset({"endpoint"})
INTROSPECTION_MAY = frozenset({"method", "token_in", "parameter", "token", "client_authentication"})
REVOCATION_MAY = INTROSPECTION_MAY | {"ends"}
ACCOUNT_NEEDS = frozenset({"at"})
ACCOUNT_MAY = frozenset({"fields", "endpoint", "earlier"})
REPORT_NEEDS = frozenset({"at"})
REPORT_MAY = frozenset({"field", "endpoint"})
REFRESH_MAY = frozenset(
    {"endpoint", "parameters", "rotates", "grace_seconds", "may_retry", "redirect_uri", "lifetime_days", "unused_days"}
)
SIGNALS_NEEDS = frozenset({"kind"})
SIGNALS_MAY = frozenset({"issuer", "jwks_uri"})
SEPARATORS = (" ", ",")
# What a flow is made of. No entry may set these parameters itself.
RESERVED = frozenset(
    {
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "redirect_uri",
        "refresh_token",
        "response_type",
        "state",
    }
)


def read(page: Page, node: yaml.Node) -> OAuth:
    """The block in `node`; raises CatalogueError at the first thing that is wrong."""
    nodes = page.mapping(node, "oauth", NEEDS, MAY)
    default = OAuth
    oauth = OAuth(
        authorization_endpoint=_address(page, nodes, "authorization_endpoint"),
        token_endpoint=_address(page, nodes, "token_endpoint"),
        account=_account(page, nodes["account"]),
        revocation=_revocation(page, nodes["revocation"]) if "revocation" in nodes else None,
        introspection=_introspection(page, nodes["introspection"]) if "introspection" in nodes else None,
        issuer=_address(page, nodes, "issuer"),
        sends_iss=page.flag(nodes, "sends_iss", default=default.sends_iss),
        nonce=page.flag(nodes, "nonce", default=default.nonce),
        takes_scopes=page.flag(nodes, "takes_scopes", default=default.takes_scopes),
        scope_parameter=page.optional_text(nodes, "scope_parameter") or default.scope_parameter,
        scope_separator=page.one_of(nodes, "scope_separator", SEPARATORS, default=default.scope_separator),
        offline_scopes=page.texts(nodes, "offline_scopes"),
        not_echoed=page.texts(nodes, "not_echoed") if "not_echoed" in nodes else default.not_echoed,
        pkce=page.optional_word(nodes, "pkce", default.pkce),
        client_authentication=page.optional_word(nodes, "client_authentication", default.client_authentication),
        token_request=page.optional_word(nodes, "token_request", default.token_request),
        token_parameters=_parameters(page, nodes, "token_parameters"),
        tokens_in=page.optional_text(nodes, "tokens_in"),
        success=_success(page, nodes),
        authorization_parameters=_parameters(page, nodes, "authorization_parameters"),
        forced_consent=_parameters(page, nodes, "forced_consent"),
        incremental_consent=_parameters(page, nodes, "incremental_consent"),
        reports=tuple(_report(page, item) for item in page.items(nodes, "reports"))
        if "reports" in nodes
        else default.reports,
        omitted_scope=page.optional_word(nodes, "omitted_scope", default.omitted_scope),
        consents=page.optional_word(nodes, "consents", default.consents),
        refresh=_refresh(page, nodes["refresh"]) if "refresh" in nodes else Refresh(),
        access_token_seconds=page.whole_number(nodes, "access_token_seconds"),
        admin_consent=page.flag(nodes, "admin_consent", default=default.admin_consent),
        refusal_errors=page.texts(nodes, "refusal_errors"),
        signals=_signals(page, nodes["signals"]) if "signals" in nodes else None,
        requests_per_second=_rate(page, nodes),
        confirmed=page.flag(nodes, "confirmed", default=default.confirmed),
        unconfirmed=_unconfirmed(page, nodes),
        sources=page.sources(nodes),
    )
    _check_together(page, nodes, oauth)
    return oauth


def _check_together(page: Page, nodes: Nodes, oauth: OAuth) -> None:
    """What one key says decides what another may say."""
    if oauth.sends_iss and not oauth.issuer:
        page.refuse(nodes["sends_iss"], "sends_iss needs the issuer to compare with")
    for key in ("authorization_endpoint", "token_endpoint", "issuer"):
        if key in nodes and OURS & set(PLACE.findall(page.text(nodes[key], key))):
            page.refuse(nodes[key], f"{key} has a place that only revocation, introspection and reports may have")
    if len(oauth.places) > 1:
        page.refuse(nodes["authorization_endpoint"], f"more than one place to fill: {', '.join(oauth.places)}")
    if oauth.revocation and oauth.revocation.ends is Ends.UNKNOWN and "revocation" not in oauth.unconfirmed:
        page.refuse(nodes["revocation"], "say what revoking ends (token or grant), or list revocation in unconfirmed")
    if not oauth.takes_scopes:
        _check_without_scopes(page, nodes, oauth)
    if not oauth.introspection:
        _check_without_introspection(page, nodes, oauth)


def _check_without_scopes(page: Page, nodes: Nodes, oauth: OAuth) -> None:
    for key in ("scope_parameter", "scope_separator", "offline_scopes"):
        if key in nodes:
            page.refuse(nodes[key], f"{key} means nothing where takes_scopes is false")
    if oauth.omitted_scope is Omitted.AS_REQUESTED:
        page.refuse(nodes["takes_scopes"], "where takes_scopes is false, omitted_scope must be unknown")


def _check_without_introspection(page: Page, nodes: Nodes, oauth: OAuth) -> None:
    if oauth.account.at is AccountFrom.INTROSPECTION:
        page.refuse(nodes["account"], "the account is at introspection, and there is no introspection")
    for report, node in zip(oauth.reports, page.items(nodes, "reports"), strict=False):
        if report.at is ReportedAt.INTROSPECTION:
            page.refuse(node, "scopes are reported at introspection, and there is no introspection")


def _account(page: Page, node: yaml.Node) -> Account:
    nodes = page.mapping(node, "account", ACCOUNT_NEEDS, ACCOUNT_MAY)
    at = page.word(nodes, "at", AccountFrom)
    earlier = tuple((slug, name) for slug, (_, name) in page.pairs(nodes, "earlier").items())
    account = Account(at, page.texts(nodes, "fields"), _address(page, nodes, "endpoint"), earlier)
    if (at is AccountFrom.ENDPOINT) != bool(account.endpoint):
        page.refuse(node, "account has an endpoint if it is at endpoint, and only then")
    if (at is AccountFrom.NOWHERE) == bool(account.fields):
        page.refuse(node, "account has fields unless it is at nowhere")
    if earlier and at is not AccountFrom.ENDPOINT:
        page.refuse(node, "earlier accounts are read at an endpoint only")
    return account


def _introspection(page: Page, node: yaml.Node) -> Introspection:
    nodes = page.mapping(node, "introspection", INTROSPECTION_NEEDS, INTROSPECTION_MAY)
    return _request(page, nodes, Introspection, TokenType.ACCESS)


def _revocation(page: Page, node: yaml.Node) -> Revocation:
    nodes = page.mapping(node, "revocation", INTROSPECTION_NEEDS, REVOCATION_MAY)
    token = TokenType.ACCESS if _bearer(page, nodes) else TokenType.REFRESH
    request = _request(page, nodes, Revocation, token)
    return replace(request, ends=page.optional_word(nodes, "ends", Ends.UNKNOWN))


def _bearer(page: Page, nodes: Nodes) -> bool:
    return page.optional_word(nodes, "token_in", TokenIn.FORM) is TokenIn.BEARER


def _request[Request: Introspection](page: Page, nodes: Nodes, request: type[Request], token: TokenType) -> Request:
    found = request(
        endpoint=_address(page, nodes, "endpoint"),
        method=page.optional_word(nodes, "method", Method.POST),
        token_in=page.optional_word(nodes, "token_in", TokenIn.FORM),
        parameter=page.optional_text(nodes, "parameter") or Introspection.parameter,
        token=page.optional_word(nodes, "token", token),
        client_authentication=page.word(nodes, "client_authentication", ClientAuthentication)
        if "client_authentication" in nodes
        else (ClientAuthentication.NONE if _bearer(page, nodes) else None),
    )
    if found.token_in is TokenIn.BEARER:
        for key in ("parameter", "client_authentication"):
            if key in nodes:
                page.refuse(nodes[key], f"{key} means nothing where the token is in the bearer header")
    if found.method is Method.GET and found.token_in in (TokenIn.FORM, TokenIn.JSON):
        page.refuse(nodes["method"], "a GET has no body: token_in must be query or bearer")
    return found


def _report(page: Page, node: yaml.Node) -> Report:
    nodes = page.mapping(node, "a report", REPORT_NEEDS, REPORT_MAY)
    report = Report(
        page.word(nodes, "at", ReportedAt),
        page.optional_text(nodes, "field") or Report.field,
        _address(page, nodes, "endpoint"),
    )
    if (report.at in (ReportedAt.ENDPOINT, ReportedAt.HEADER)) != bool(report.endpoint):
        page.refuse(node, "a report has an endpoint if it is at endpoint or header, and only then")
    return report


def _refresh(page: Page, node: yaml.Node) -> Refresh:
    nodes = page.mapping(node, "refresh", frozenset(), REFRESH_MAY)
    refresh = Refresh(
        endpoint=_address(page, nodes, "endpoint"),
        parameters=_parameters(page, nodes, "parameters"),
        rotates=page.optional_word(nodes, "rotates", Rotates.UNKNOWN),
        grace_seconds=page.whole_number(nodes, "grace_seconds"),
        may_retry=page.flag(nodes, "may_retry", default=False),
        redirect_uri=page.flag(nodes, "redirect_uri", default=False),
        lifetime_days=page.whole_number(nodes, "lifetime_days"),
        unused_days=page.whole_number(nodes, "unused_days"),
    )
    if refresh.grace_seconds and refresh.rotates is Rotates.NO:
        page.refuse(nodes["grace_seconds"], "grace_seconds means nothing where refresh tokens do not rotate")
    return refresh


def _signals(page: Page, node: yaml.Node) -> Signals:
    nodes = page.mapping(node, "signals", SIGNALS_NEEDS, SIGNALS_MAY)
    signals = Signals(
        page.word(nodes, "kind", SignalKind), _address(page, nodes, "issuer"), _address(page, nodes, "jwks_uri")
    )
    if (signals.kind is SignalKind.SET) != bool(signals.issuer and signals.jwks_uri):
        page.refuse(node, "signals have issuer and jwks_uri if their kind is set, and only then")
    return signals


def _parameters(page: Page, nodes: Nodes, key: str) -> Pairs:
    parameters = page.pairs(nodes, key)
    for name, (node, _) in parameters.items():
        if name in RESERVED:
            page.refuse(node, f"{key} cannot set {name}: the flow itself does")
    return tuple((name, value) for name, (_, value) in parameters.items())


def _success(page: Page, nodes: Nodes) -> Pairs:
    pairs = page.pairs(nodes, "success")
    if len(pairs) > 1:
        page.refuse(nodes["success"], "success has one field with its value")
    return tuple((name, value) for name, (_, value) in pairs.items())


def _rate(page: Page, nodes: Nodes) -> float | None:
    text = page.optional_text(nodes, "requests_per_second")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) or not float(text):
        page.refuse(nodes["requests_per_second"], f"requests_per_second must be a number over 0, not {text[:80]}")
    return float(text)


def _unconfirmed(page: Page, nodes: Nodes) -> tuple[str, ...]:
    for item in page.items(nodes, "unconfirmed"):
        key = page.text(item, "unconfirmed")
        if key not in (NEEDS | MAY) - {"confirmed", "unconfirmed", "sources"}:
            page.refuse(item, f"unconfirmed names keys of the block, and {key[:80]} is none")
    return page.texts(nodes, "unconfirmed")


def _address(page: Page, nodes: Nodes, key: str) -> str:
    """The address under `key`, empty where there is none: encrypted, or on this machine."""
    if key not in nodes:
        return ""
    address = page.text(nodes[key], key)
    plain = PLACE.sub("place", address)
    try:
        parts = urlsplit(plain)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        page.refuse(nodes[key], f"{key} is no address")
    if not re.fullmatch(r"[!-~]+", plain) or re.search(r"[{}\\<>\"]", plain) or "@" in parts.netloc or parts.fragment:
        page.refuse(nodes[key], f"{key} is no address, or has a fragment, a user, or a brace that is no place")
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host))):
        page.refuse(nodes[key], f"{key} must begin with https://; http:// is for this machine only")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
