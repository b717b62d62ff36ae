"""What a consent granted, wherever the provider reports it: read in the order that its entry says."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from scopes.catalogue import Known, Provider, ScopeStringError
from scopes.catalogue.oauth import OAuth, Omitted, Report, ReportedAt
from scopes.catalogue.scope_strings import read
from scopes.sources.errors import SourceError, SourceUnavailable
from scopes.sources.oauth2.answers import TokenAnswer, at_path
from scopes.sources.oauth2.claims import claims_of
from scopes.sources.oauth2.server import Server

AS_REQUESTED, NOT_REPORTED = "as_requested", "not_reported"
OPENID = "openid"

_ESCAPED = re.compile(r"%(?:20|2C|2c)")


@dataclass(frozen=True, slots=True)
class Granted:
    """The scopes as they were reported, None where none were; `at` is where, as `Token.granted_in` says it."""

    scopes: tuple[str, ...] | None
    at: str


def granted(
    oauth: OAuth,
    entry: Provider,
    answer: TokenAnswer,
    parameters: Mapping[str, Sequence[str]],
    requested: tuple[str, ...] | None,
    server: Server,
) -> Granted:
    """What was granted, as the first of the entry's places reports it; else as requested, or unknown, as it says.

    A place that cannot be asked now is passed by. Raises SourceUnavailable where what it reports cannot be read.
    """
    for report in oauth.reports:
        value = _reported(report, oauth, answer, parameters, server)
        scopes = _read(value, entry)
        if scopes is not None:
            return Granted(_with_silent(scopes, oauth, entry, answer, requested or ()), report.at.value)
        if value is not None and entry.reports_scopes is Known.UNKNOWN and report.at is ReportedAt.TOKEN_RESPONSE:
            # An empty list may mean that none was granted: that is not what was requested.
            return Granted(None, NOT_REPORTED)
    if oauth.omitted_scope is Omitted.AS_REQUESTED and requested is not None:
        return Granted(requested, AS_REQUESTED)
    return Granted(None, NOT_REPORTED)


def in_refresh(
    answer: TokenAnswer, oauth: OAuth, entry: Provider, reported: Collection[str] | None
) -> tuple[str, ...] | None:
    """The scopes that a refresh reports, where it does: it may narrow what a consent granted (RFC 6749, 6).

    `reported` are the scopes as they were reported before. What cannot be read is as good as not reported: the tokens
    themselves are good.
    """
    for report in oauth.reports:
        if report.at in (ReportedAt.TOKEN_RESPONSE, ReportedAt.CLAIM):
            try:
                scopes = _read(_in_answer(report, oauth, answer), entry)
            except SourceUnavailable:
                scopes = None
            if scopes is not None:
                return _with_silent(scopes, oauth, entry, answer, sorted(reported or ()))
    return None


def reported_now(
    server: Server, entry: Provider, answer: TokenAnswer, reported: Collection[str], introspected: Mapping[str, Any]
) -> tuple[str, ...] | None:
    """The scopes that the provider reports when it is asked about a connection later, where it does.

    `answer` are its tokens, `introspected` is what introspection says of them, `reported` are the scopes as they were
    reported before. Raises SourceErrors as the calls do.
    """
    for report in server.oauth.reports:
        value: object = None
        if report.at is ReportedAt.INTROSPECTION:
            value = at_path(introspected, report.field)
        elif report.at is ReportedAt.CLAIM:
            value = at_path(claims_of(answer.access), report.field)
        elif report.at is ReportedAt.HEADER:
            value = server.header(answer.access, report.endpoint, report.field)
        elif report.at is ReportedAt.ENDPOINT:
            value = at_path(server.read(answer.access, report.endpoint), report.field)
        if (scopes := _read(value, entry)) is not None:
            return _with_silent(scopes, server.oauth, entry, None, sorted(reported))
    return None


def _reported(
    report: Report, oauth: OAuth, answer: TokenAnswer, parameters: Mapping[str, Sequence[str]], server: Server
) -> object:
    """What stands in that place; None where nothing does, or it cannot be asked now."""
    if report.at is ReportedAt.CALLBACK:
        return next(iter(parameters.get(report.field, ())), None)
    if report.at in (ReportedAt.TOKEN_RESPONSE, ReportedAt.CLAIM):
        return _in_answer(report, oauth, answer)
    ask: dict[ReportedAt, Callable[[], object]] = {
        ReportedAt.HEADER: lambda: server.header(answer.access, report.endpoint, report.field),
        ReportedAt.ENDPOINT: lambda: at_path(server.read(answer.access, report.endpoint), report.field),
        ReportedAt.INTROSPECTION: lambda: at_path(server.introspect(answer.access, answer.refresh), report.field),
    }
    try:
        return ask[report.at]()
    except SourceError:
        return None


def _in_answer(report: Report, oauth: OAuth, answer: TokenAnswer) -> object:
    if report.at is ReportedAt.CLAIM:
        return at_path(claims_of(answer.access), report.field)
    if report.field == "scope":
        return answer.scope
    return at_path(answer.rest, f"{oauth.tokens_in}.{report.field}".lstrip("."))


def _read(value: object, entry: Provider) -> tuple[str, ...] | None:
    """The scopes in a value, whatever their notation. An empty one means none only where the provider reports."""
    if isinstance(value, str) and _ESCAPED.search(value):
        value = unquote(value)
    if isinstance(value, str) and not value.strip():
        value = []
    try:
        return read(value, reports=entry.reports_scopes)
    except ScopeStringError as problem:
        raise SourceUnavailable(f"the granted scopes cannot be read: {problem}") from None


def _with_silent(
    scopes: Iterable[str], oauth: OAuth, entry: Provider, answer: TokenAnswer | None, requested: Sequence[str]
) -> tuple[str, ...]:
    """The scopes as they were reported, each once, and the requested ones of which a report may be silent.

    Those go with them where their effect shows that they were granted: an ID token for `openid`, a refresh token for
    offline access.
    """
    found = dict.fromkeys(scopes)
    held = {entry.canonical(scope) for scope in found}
    for scope in requested:
        if entry.canonical(scope) not in held and _has_effect(scope, oauth, answer):
            found[scope] = None
    return tuple(found)


def _has_effect(scope: str, oauth: OAuth, answer: TokenAnswer | None) -> bool:
    if scope not in oauth.not_echoed and scope not in oauth.offline_scopes:
        return False
    if answer is None:
        return True
    if scope in oauth.offline_scopes or scope == "offline_access":
        return answer.refresh is not None
    return answer.id_token is not None if scope == OPENID else True
