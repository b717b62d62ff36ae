"""A host application behind the protocol of every source. It is never asked for anything but its consent page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Self

from scopes.sources.calls import Calls
from scopes.sources.consents import BegunConsent, ConsentRequest
from scopes.sources.errors import NotConfigured
from scopes.sources.gateway import Gateway, Kind, RateLimit
from scopes.sources.host import request as requests_to_host
from scopes.sources.host.checkup import check
from scopes.sources.host.environment import LINK_URL, Host
from scopes.sources.setup import CheckResult


class HostGateway(Gateway):
    """One host application."""

    def __init__(self, kind: Kind, host: Host) -> None:
        self.kind, self.host = kind, host
        self.name, self.production = host.name, host.production
        self.requests_per_second, self.probes, self.has_setup = 0.0, False, False
        self.insecure_origin = host.origin if host.origin.startswith("http:") else ""

    def with_rate_limiter(self, limit: RateLimit) -> Self:
        return self

    def begin_consent(self, request: ConsentRequest) -> BegunConsent:
        if not self.host.link_url:
            raise NotConfigured(f"The host application {self.name!r} has no consent page: {self._link_url} is not set")
        return requests_to_host.begin(self.host, self.key, request)

    def check_up(self, now: datetime, webhook_url: str = "") -> Iterator[CheckResult]:
        return check(self.host, self.kind.reports, Calls(source=self.key))

    @property
    def _link_url(self) -> str:
        return self.host.variable(LINK_URL)
