"""An OAuth 2.0 provider behind the protocol of every source."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Self
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.utils import timezone

from scopes.catalogue import provider_named
from scopes.catalogue.oauth import SignalKind, Signals
from scopes.facts import ConnectionSeen, Fact, LinkState
from scopes.models import Connection, Token
from scopes.redaction import without_addresses
from scopes.sources.calls import BACKGROUND, INTERACTIVE, Calls
from scopes.sources.consents import BegunConsent, ConsentRequest, ConsentReturn, FinishedConsent
from scopes.sources.errors import (
    CredentialDead,
    NotVerified,
    RequestRefused,
    SourceError,
    SourceUnavailable,
    Unsupported,
)
from scopes.sources.events import EventAnswer, EventCheck
from scopes.sources.gateway import Clock, Gateway, Kind, Patience, RateLimit, key_of
from scopes.sources.oauth2 import consent, inspection, refresh, tokens
from scopes.sources.oauth2.checkup import check
from scopes.sources.oauth2.clients import Client, ask_every_nights, entry_of
from scopes.sources.oauth2.consent import Finished
from scopes.sources.oauth2.endpoints import endpoints_of, forget
from scopes.sources.oauth2.night import Night, ranges
from scopes.sources.oauth2.refresh import Refresher, opened
from scopes.sources.oauth2.server import Server
from scopes.sources.oauth2.signals import security_event, slack, strava
from scopes.sources.oauth2.signals.keys import Keys
from scopes.sources.observations import AccessToken, Existence, Lookup, Page, Probe, ProbeResult, Range
from scopes.sources.setup import CheckResult

log = logging.getLogger(__name__)

LIMITS = {Patience.INTERACTIVE: INTERACTIVE, Patience.BACKGROUND: BACKGROUND}


class OAuth2Gateway(Gateway):
    """One client of ours."""

    def __init__(self, kind: Kind, client: Client, calls: Calls) -> None:
        self.kind, self.client, self.calls = kind, client, calls
        self.name, self.production = client.name, client.production
        self.requests_per_second = client.requests_per_second
        entry = entry_of(client.provider)
        self.probes, self.has_setup = bool(client.issuer or (entry and inspection.can_inspect(entry))), False
        issuer = urlsplit(client.issuer)
        self.insecure_origin = f"{issuer.scheme}://{issuer.netloc}" if issuer.scheme == "http" else ""

    @classmethod
    def of(cls, kind: Kind, client: Client, patience: Patience) -> Self:
        return cls(kind, client, _calls(patience, key_of(kind.kind, client.name)))

    def with_rate_limiter(self, limit: RateLimit) -> OAuth2Gateway:
        return OAuth2Gateway(self.kind, self.client, self.calls.with_rate_limiter(limit))

    def begin_consent(self, request: ConsentRequest) -> BegunConsent:
        return consent.begin(self._server(), self._as_it_stands(request))

    def try_consent(self, now: datetime) -> bool:
        """False: nothing of a consent can be tried without a person, but whether our client is accepted."""
        self._server().try_client()
        return False

    def finish_consent(self, returned: ConsentReturn) -> Finished:
        return consent.finish(self._server(), returned, lambda account_id: self._connections(account_id).exists())

    def keep_consent(self, finished: FinishedConsent) -> None:
        assert isinstance(finished, Finished)
        if finished.answer is None:
            return
        found = self._connections(finished.user_id).filter(integration__provider__slug=finished.provider).first()
        if found is None:
            log.warning("%s: a consent brought tokens, and no connection was recorded to keep them with", self.key)
            return
        tokens.store(
            found.pk,
            finished.answer,
            requested=finished.requested,
            granted_in=finished.granted_in,
            oauth=finished.oauth,
            now=timezone.now(),
        )

    def check_event(self, headers: Mapping[str, str]) -> EventCheck:
        signals = self._signals()
        secrets = self.client.signing_secrets
        match signals.kind:
            case SignalKind.STRAVA:
                return strava.Check(secrets)
            case SignalKind.SLACK:
                return slack.Check(headers.get(slack.SIGNATURE, ""), headers.get(slack.TIME, ""), secrets)
            case SignalKind.SET:
                keys = Keys(self.name, signals.jwks_uri, self.calls)
                return security_event.Check(signals.issuer, self.client.client_id, keys)

    def handshake(self, parameters: Mapping[str, str]) -> EventAnswer:
        if self._signals().kind is not SignalKind.STRAVA:
            raise Unsupported
        return strava.handshake(parameters, self.client.signing_secrets)

    def refresh(self, clock: Clock, has_time: Callable[[], bool]) -> Iterator[tuple[Fact, ...]]:
        return self._refresher().due(clock, has_time)

    def access_token(self, user_id: str, clock: Clock) -> AccessToken:
        found = self._connections(user_id).first()
        return self._refresher().access_token(found.pk, clock) if found else AccessToken("", None)

    def connections(self, start: int, clock: Clock) -> Iterator[Page]:
        """Those whose tokens we hold; `start` is the id of the last connection of a page."""
        return self.connections_in(Range(start, None), clock)

    def ranges(self, smallest: int, most: int) -> list[Range]:
        return ranges(self._refresher(), smallest, most)

    def connections_in(self, pages: Range, clock: Clock) -> Iterator[Page]:
        return Night(self._refresher(), ask_every_nights(os.environ), clock).pages(pages)

    def look_up(self, user_id: str, at: datetime) -> Lookup:
        """Whether we hold tokens of it; where the provider reports scopes at any time, they are read anew.

        That we hold tokens proves nothing of the link, so without an answer of the provider nothing is observed.
        """
        found = self._connections(user_id).filter(token__isnull=False).select_related("standing", "token").first()
        if found is None:
            return Lookup(Existence.NOT_FOUND)
        refresher = self._refresher()
        if found.token.ended_at is None and inspection.reports_later(refresher.server.oauth):
            with suppress(CredentialDead):
                reported = inspection.inspect_now(refresher, found, timezone.now)
                slug, earlier = refresher.entry.slug, reported.earlier
                seen = ConnectionSeen(slug, user_id, at, scopes=reported.scopes, earlier_accounts=earlier)
                return Lookup(Existence.KNOWN, seen)
        return Lookup(Existence.KNOWN)

    def probe(self, user_id: str) -> Probe:
        found = self._connections(user_id).select_related("standing").first()
        if found is None:
            return Probe(ProbeResult.EXPIRED, detail="we know no such connection")
        try:
            account = inspection.inspect_now(self._refresher(), found, timezone.now).account
        except SourceError as error:
            results = {CredentialDead: ProbeResult.EXPIRED, SourceUnavailable: ProbeResult.DOWN}
            return Probe(results.get(type(error), ProbeResult.REFUSED), detail=without_addresses(str(error)))
        return Probe(ProbeResult.ANSWERED, account)

    def revoke(self, user_id: str) -> bool:
        """End a connection at the provider, and delete its tokens here. False where we hold none.

        Raises RequestRefused where the provider has no way to: nothing changes then.
        """
        row = Token.objects.filter(connection__in=self._connections(user_id), ended_at__isnull=True).first()
        if row is None or (held := opened(row)) is None:
            return False
        self._server().revoke(held.access, held.refresh, user_id)
        tokens.end(row.pk, timezone.now())
        return True

    def check_up(self, now: datetime, webhook_url: str = "") -> Iterator[CheckResult]:
        forget()
        return check(self.client, self._server)

    def _signals(self) -> Signals:
        """Raises NotVerified where the provider sends no events, SourceUnavailable where that cannot be found out."""
        try:
            signals = endpoints_of(self.client, self.calls).signals
        except RequestRefused as refused:
            raise NotVerified(str(refused)) from None
        if signals is None:
            raise NotVerified("the provider sends no events")
        return signals

    def _as_it_stands(self, request: ConsentRequest) -> ConsentRequest:
        """Where the connection does not work, nothing is held; without a refresh token the consent screen is forced.

        Many providers give that token at the first consent only, or where the screen was shown.
        """
        working = Token.objects.filter(
            connection__in=self._connections(request.connected_as),
            connection__standing__link=LinkState.ACTIVE,
            ended_at__isnull=True,
        ).first()
        if working is None:
            return replace(request, missing=request.missing + request.held, held=(), forced=True)
        return replace(request, forced=request.forced or working.refresh is None)

    def _refresher(self) -> Refresher:
        # No request may last longer than a lease.
        calls = self.calls.within(min(self.calls.limits, refresh.LIMITS, key=lambda limits: limits.total))
        server = Server(endpoints_of(self.client, calls), self.client, calls)
        return Refresher(self.kind.kind, self.name, provider_named(self.client.provider), server)

    def _server(self) -> Server:
        return Server(endpoints_of(self.client, self.calls), self.client, self.calls)

    def _connections(self, user_id: str) -> QuerySet[Connection]:
        """The connections of this source with that id; one for each provider, and a source has one."""
        return Connection.objects.filter(
            integration__source__kind=self.kind.kind,
            integration__source__name=self.name,
            user_id=user_id,
            merged_into__isnull=True,
        )


@lru_cache(maxsize=128)
def _calls(patience: Patience, source: str) -> Calls:
    return Calls(LIMITS[patience], source=source)
