"""A third kind of source, as small as one can be: its consents are finished in the callback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from mmap import mmap

from scopes.catalogue import Provider
from scopes.facts import AccountTrouble, AttemptFailed, ConnectionSeen, ConsentGiven, Fact, LinkChanged, LinkState
from scopes.sources.consents import BegunConsent, ConsentRequest, ConsentReturn
from scopes.sources.errors import CredentialDead, NotVerified, RequestRefused, UnknownName
from scopes.sources.events import Event, EventCheck, EventProof, ReadEvent
from scopes.sources.gateway import Abilities, Clock, Gateway, Kind, Patience, RateLimit
from scopes.sources.observations import Existence, Lookup, Page

SECRET = "a-shared-secret"


@dataclass
class Server:
    """The source's state: account -> (whose it is, granted scopes), codes that work once, tokens that we keep.

    `dead` are accounts whose credential is no longer accepted.
    """

    accounts: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    codes: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    requested: ConsentRequest | None = None
    exchange: Callable[[], object] = lambda: None
    keep: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Finished:
    facts: tuple[Fact, ...]
    token: str = ""


@dataclass(frozen=True)
class Check(EventCheck):
    """The shared secret stands in a header; the body does not matter to it."""

    at: datetime

    def update(self, piece: bytes) -> None:
        pass

    def proof(self) -> EventProof:
        return EventProof(self.at, self.at)


class FakeGateway(Gateway):
    production, requests_per_second, probes, has_setup, insecure_origin = False, 0.0, False, False, ""

    def __init__(self, kind: FakeKind, name: str) -> None:
        self.kind, self.name, self.server = kind, name, kind.server

    def with_rate_limiter(self, limit: RateLimit) -> FakeGateway:
        return self

    def connections(self, start: int, clock: Clock) -> Iterator[Page]:
        """One page of all."""
        yield Page(0, tuple(self._seen(account, clock()) for account in self.server.accounts))

    def look_up(self, user_id: str, at: datetime) -> Lookup:
        if user_id in self.server.dead:
            raise CredentialDead("invalid_grant")
        if user_id not in self.server.accounts:
            return Lookup(Existence.NOT_FOUND)
        return Lookup(Existence.KNOWN, self._seen(user_id, at))

    def begin_consent(self, request: ConsentRequest) -> BegunConsent:
        self.server.requested = request
        return BegunConsent(f"https://fake.example/authorize?state={request.attempt}", session_id=request.attempt)

    def finish_consent(self, returned: ConsentReturn) -> Finished:
        if "error" in returned.parameters:
            refusal = returned.parameters["error"][0]
            return Finished((AttemptFailed(returned.at, refusal, "oura", session_id=returned.session_id),))
        self.server.exchange()
        code = returned.parameters["code"][0]
        if code not in self.server.codes:
            raise RequestRefused("invalid_grant", status=400)
        account, scopes = self.server.codes.pop(code)
        self.server.accounts[account] = (returned.reference_id, scopes)
        given = ConsentGiven("oura", account, returned.at, returned.reference_id, scopes, returned.session_id)
        return Finished((given,), token=f"token-of-{code}")

    def keep_consent(self, finished: object) -> None:
        assert isinstance(finished, Finished)
        if finished.token:
            self.server.keep()
            self.server.kept.append(finished.token)

    def check_event(self, headers: Mapping[str, str]) -> Check:
        if headers.get("X-Fake-Secret") != SECRET:
            raise NotVerified("the secret is another one")
        return Check(datetime.fromisoformat(headers["X-Fake-Time"]))

    def revoke(self, user_id: str) -> bool:
        return self.server.accounts.pop(user_id, None) is not None

    def _seen(self, account: str, at: datetime) -> ConnectionSeen:
        reference_id, scopes = self.server.accounts[account]
        return ConnectionSeen("oura", account, at, reference_id, scopes, active=True)


class FakeKind(Kind):
    kind, title, prefix, silence = "fake", "Fakery", "FAKE_", "Ask its support."
    abilities = Abilities(
        lists=True, looks_up=True, begins_consents=True, finishes_consents=True, sends_events=True, revokes=True
    )
    actions = dict.fromkeys(AccountTrouble, "Ask its support")

    def __init__(self) -> None:
        self.server = Server()

    def names(self) -> dict[str, bool]:
        return {"app": False}

    def gateway(self, name: str, patience: Patience) -> FakeGateway:
        if name != "app":
            raise UnknownName(name)
        return FakeGateway(self, name)

    def names_of(self, name: str, provider: Provider) -> tuple[str, ...]:
        return (provider.slug,)

    def read_event(self, name: str, body: bytes | mmap, now: datetime) -> ReadEvent:
        raw = json.loads(bytes(body))
        return ReadEvent(raw["type"], raw)

    def facts(self, body: Event, happened_at: datetime, provider: str = "") -> tuple[Fact, ...]:
        return (LinkChanged("oura", body["account"], LinkState.REVOKED, happened_at),)
