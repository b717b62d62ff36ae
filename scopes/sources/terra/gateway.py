"""Terra behind the protocol of every source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import Self
from urllib.parse import urlsplit

from scopes.redaction import without_addresses
from scopes.sources.consents import BegunConsent, ConsentRequest
from scopes.sources.errors import CredentialDead, SourceError, SourceUnavailable
from scopes.sources.events import EventCheck, EventProof
from scopes.sources.gateway import Clock, Gateway, Kind, Patience, RateLimit
from scopes.sources.observations import Existence, Lookup, Page, Probe, ProbeResult, Range
from scopes.sources.setup import CheckResult, FailedEvents, Setup
from scopes.sources.terra import client as terra_client
from scopes.sources.terra.admin_api import AdminApi
from scopes.sources.terra.checkup import check
from scopes.sources.terra.client import BACKGROUND, INTERACTIVE, Terra
from scopes.sources.terra.delivery import Envelope, read_headers
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.errors import TerraRefused, about_links
from scopes.sources.terra.payloads import user_to_fact
from scopes.sources.terra.setup import read_setup
from scopes.sources.terra.signature import SignatureCheck
from scopes.sources.terra.trial import try_a_link

LIMITS = {Patience.INTERACTIVE: INTERACTIVE, Patience.BACKGROUND: BACKGROUND}
FAILED_PAGES = 1


class TerraGateway(Gateway):
    """One environment of Terra's."""

    def __init__(self, kind: Kind, client: Terra) -> None:
        environment = client.environment
        self.kind, self.client = kind, client
        self.name, self.production = environment.name, environment.production
        self.requests_per_second = environment.requests_per_second
        self.probes, self.has_setup = environment.probe_athlete, bool(environment.admin_token)
        base = urlsplit(environment.base_url)
        self.insecure_origin = f"{base.scheme}://{base.netloc}" if base.scheme == "http" else ""

    @classmethod
    def of(cls, kind: Kind, environment: Environment, patience: Patience) -> Self:
        return cls(kind, terra_client.client_for(environment, LIMITS[patience]))

    def with_rate_limiter(self, limit: RateLimit) -> TerraGateway:
        return TerraGateway(self.kind, self.client.with_rate_limiter(limit))

    def connections(self, start: int, clock: Clock) -> Iterator[Page]:
        """The page before `start` is walked again: between two walks the pages may have shifted."""
        return self.connections_in(Range(start, None), clock)

    def ranges(self, smallest: int, most: int) -> list[Range]:
        last = self.client.listing_page(0).max_page or 0
        starts = range(0, last + 1, max(smallest, -(-(last + 1) // most)))
        return [Range(start, end) for start, end in pairwise((*starts, None)) if start is not None]

    def connections_in(self, pages: Range, clock: Clock) -> Iterator[Page]:
        for page in self.client.listing(max(pages.start - 1, 0), end=pages.end):
            at = clock()
            users = tuple(user_to_fact(user, at) for user in page.users)
            yield Page(page.page, users, page.unreadable, page.next_page)
            if pages.end is not None and page.page < pages.end - 1 and page.next_page != page.page + 1:
                raise SourceUnavailable(f"the listing does not go on with page {page.page + 1}, which was there before")

    def look_up(self, user_id: str, at: datetime) -> Lookup:
        found = self.client.user(user_id)
        if found is None:
            return Lookup(Existence.NOT_FOUND)
        finished = found.is_authenticated is not False
        return Lookup(Existence.KNOWN if finished else Existence.UNFINISHED, user_to_fact(found.user, at))

    def probe(self, user_id: str) -> Probe:
        try:
            athlete = self.client.athlete(user_id)
        except CredentialDead as dead:
            return Probe(ProbeResult.EXPIRED, detail=without_addresses(str(dead)))
        except SourceUnavailable as down:
            # Terra has just answered about the user, so an error of the server is about this athlete.
            own = down.status == HTTPStatus.INTERNAL_SERVER_ERROR
            return Probe(ProbeResult.NO_PROFILE if own else ProbeResult.DOWN, detail=without_addresses(str(down)))
        except SourceError as refused:
            return Probe(ProbeResult.REFUSED, detail=without_addresses(str(refused)))
        return Probe(ProbeResult.ANSWERED, athlete.provider_user_id or "")

    def begin_consent(self, request: ConsentRequest) -> BegunConsent:
        """Where the direct link is refused, the widget's is taken, which leads to the same provider.

        It is taken too where nobody knows the region, for the person chooses it there.
        """
        about = request.reference_id, request.success_url, request.failure_url, request.language
        try:
            if len(request.names) == 1 and (direct := self._direct(request.names[0], about)):
                return direct
            session = self.client.widget_session(request.names, *about)
        except SourceError as error:
            raise about_links(error) from error
        return BegunConsent(session.url, _seconds(session.expires_in), session_id=session.session_id)

    def _direct(self, resource: str, about: tuple[str, str, str, str]) -> BegunConsent | None:
        """The provider's own consent screen; None where Terra refuses to give one."""
        try:
            minted = self.client.authenticate_user(resource, *about)
        except TerraRefused:
            return None
        return BegunConsent(minted.url, _seconds(minted.expires_in), user_id=minted.user_id)

    def try_consent(self, now: datetime) -> bool:
        try:
            return bool(try_a_link(self.client, now))
        except SourceError as error:
            raise about_links(error) from error

    def check_event(self, headers: Mapping[str, str]) -> SignedEvent:
        envelope = read_headers(headers)
        return SignedEvent(envelope, SignatureCheck(envelope.signature, self.client.environment.signing_secrets))

    def revoke(self, user_id: str) -> bool:
        return self.client.deauthenticate(user_id)

    def check_up(self, now: datetime, webhook_url: str = "") -> Iterator[CheckResult]:
        return check(self.client, now=now, webhook_url=webhook_url)

    def read_setup(self) -> Setup:
        return read_setup(AdminApi(self.client.environment))

    def failed_events(self, user_id: str) -> FailedEvents:
        return AdminApi(self.client.environment, INTERACTIVE).failed_events(user_id, FAILED_PAGES)

    def resend(self, user_id: str, event_id: str, event_type: str) -> None:
        AdminApi(self.client.environment, INTERACTIVE).resend(user_id, event_id, event_type)


@dataclass(frozen=True, slots=True)
class SignedEvent(EventCheck):
    """An event that is signed over its raw bytes. Its headers are not signed."""

    envelope: Envelope
    check: SignatureCheck

    def update(self, piece: bytes) -> None:
        self.check.update(piece)

    def proof(self) -> EventProof:
        signed_at = self.check.signature().signed_at
        return EventProof(signed_at, self.envelope.happened_at(signed_at), self.envelope.trace_id)


def _seconds(count: int | None) -> timedelta | None:
    return None if count is None else timedelta(seconds=count)
