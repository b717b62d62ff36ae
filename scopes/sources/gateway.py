"""What a source must be able to do, whatever its kind.

A `Kind` needs no credentials: it names its sources and reads what they sent. A `Gateway` is one of them, set up in the
process environment, and calls it. Each call of a gateway raises a `SourceError` (see `errors`) and nothing else, or
`Unsupported` where the kind's `Abilities` say that it cannot do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from mmap import mmap
from typing import Protocol, Self

from scopes.catalogue.entries import Provider
from scopes.facts import AccountTrouble, Fact
from scopes.sources.consents import BegunConsent, ConsentRequest, ConsentReturn, FinishedConsent
from scopes.sources.errors import Unsupported
from scopes.sources.events import Event, EventAnswer, EventCheck, ReadEvent
from scopes.sources.observations import AccessToken, Lookup, Page, Probe, Range
from scopes.sources.setup import CheckResult, FailedEvents, Setup

type Clock = Callable[[], datetime]
# The most seconds that a caller would wait -> how many to wait before the next call, None where it would be more.
type RateLimit = Callable[[float], float | None]


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a kind of source can do; screens, the night and the rules of matching follow it."""

    lists: bool = False
    # Pages are counted, so they shift when a connection ends. A range then begins with the page before its start.
    pages_shift: bool = False
    looks_up: bool = False
    begins_consents: bool = False
    # Its redirect is the fact itself: the consent is finished in the callback, by an exchange that works once.
    finishes_consents: bool = False
    # We keep the tokens of its connections, and refresh them.
    refreshes: bool = False
    sends_events: bool = False
    # The id of a connection may change at a reauth, so which ids are one connection has to be found out.
    changes_ids: bool = False
    revokes: bool = False
    checks_up: bool = False


class Patience(StrEnum):
    """Who waits for the answer: a person, or nobody."""

    INTERACTIVE = "interactive"
    BACKGROUND = "background"


class Gateway(Protocol):
    """One source that is set up: its name, whether it counts as production, and the calls to it.

    `probes`: the provider itself may be asked. `has_setup`: how we are set up there can be read.
    `requests_per_second` is shared by all processes; 0 sets no limit. `insecure_origin` is where a consent page lies
    that is not encrypted, which only a sandbox has. Safe to share between the threads of one process.
    """

    kind: Kind
    name: str
    production: bool
    requests_per_second: float
    probes: bool
    has_setup: bool
    insecure_origin: str

    @property
    def key(self) -> str:
        """How people write the source: `kind:name`."""
        return key_of(self.kind.kind, self.name)

    @property
    def title(self) -> str:
        """How people call the source."""
        return self.kind.title_of(self.name)

    def with_rate_limiter(self, limit: RateLimit) -> Self:
        """The same, each of whose calls waits as long as `limit` says; SourceUnavailable where that is None."""
        raise Unsupported

    def connections(self, start: int, clock: Clock) -> Iterator[Page]:
        """Every connection, page by page, from `start`, which is 0 or some page's `next_page`."""
        raise Unsupported

    def ranges(self, smallest: int, most: int) -> list[Range]:
        """The listing as at most `most` ranges of at least `smallest` pages; as a single one where it can't be split.

        Together they are everybody, also while connections come and go.
        """
        return [Range(0, None)]

    def connections_in(self, pages: Range, clock: Clock) -> Iterator[Page]:
        """The pages of a range, by itself. Raises SourceUnavailable where some of them are not there."""
        raise Unsupported

    def look_up(self, user_id: str, at: datetime) -> Lookup:
        """What the source knows of one connection, as a fact of the time `at`."""
        raise Unsupported

    def probe(self, user_id: str) -> Probe:
        """Ask the provider itself whether it accepts the connection's credential. Raises nothing but Unsupported."""
        raise Unsupported

    def begin_consent(self, request: ConsentRequest) -> BegunConsent:
        """Where to send the person."""
        raise Unsupported

    def try_consent(self, now: datetime) -> bool:
        """Begin a consent that nobody finishes; False where none can be tried."""
        raise Unsupported

    def finish_consent(self, returned: ConsentReturn) -> FinishedConsent:
        """Finish a consent by an exchange that works once; outside any transaction, and never repeated by us.

        Another account than `connected_as` is an `AttemptFailed` whose reason is WRONG_ACCOUNT. SourceUnavailable:
        nobody knows what came of it. AccountRefused: the provider refuses our client or the scopes that it asks for.
        """
        raise Unsupported

    def keep_consent(self, finished: FinishedConsent) -> None:
        """Keep what is the source's own, such as tokens; in the transaction that has just recorded its facts."""
        return

    def refresh(self, clock: Clock, has_time: Callable[[], bool]) -> Iterator[tuple[Fact, ...]]:
        """Refresh the tokens that are due, some at a time; what is to be recorded of them.

        New tokens are stored before their facts are given. Those whose provider does not answer stay as they are.
        """
        raise Unsupported

    def access_token(self, user_id: str, clock: Clock) -> AccessToken:
        """The access token of one connection; refreshed where it has ended, once for all who want it. Never logged."""
        raise Unsupported

    def check_event(self, headers: Mapping[str, str]) -> EventCheck:
        """What verifies an event with these headers. Raises NotVerified for those that can fit no body."""
        raise Unsupported

    def handshake(self, parameters: Mapping[str, str]) -> EventAnswer:
        """The answer to a GET by which the sender of events asks whether they are wanted here. Raises NotVerified."""
        raise Unsupported

    def revoke(self, user_id: str) -> bool:
        """End one connection; False where the source knew none."""
        raise Unsupported

    def check_up(self, now: datetime, webhook_url: str = "") -> Iterator[CheckResult]:
        """Whether everything works, as it is found; with `webhook_url`, harmless events are delivered there."""
        raise Unsupported

    def read_setup(self) -> Setup:
        """How we are set up there; it says what could not be read."""
        raise Unsupported

    def failed_events(self, user_id: str) -> FailedEvents:
        """Some of the events of one connection that could not be delivered to us."""
        raise Unsupported

    def resend(self, user_id: str, event_id: str, event_type: str) -> None:
        """Have one event delivered again."""
        raise Unsupported


class Kind(Protocol):
    """A kind of source. `kind` is its key everywhere; `title` is how people call it.

    It is read when the settings are, so its module imports no models. `actions` is what an engineer does about each
    trouble of our account; `silence` what to look at when no webhook comes; `prefix` is what its variables begin with.
    `reports` says how we learn of connections where nobody can be asked about them; empty where somebody can.
    """

    kind: str
    title: str
    prefix: str
    abilities: Abilities
    actions: Mapping[AccountTrouble, str]
    silence: str
    reports: str = ""

    def names(self) -> Mapping[str, bool]:
        """The sources that are set up, in order, and whether each is production. Raises NotConfigured."""
        raise Unsupported

    def gateway(self, name: str, patience: Patience) -> Gateway:
        """The gateway of that source, one a process. Raises NotConfigured, UnknownName."""
        raise Unsupported

    def troubles(self, variables: Mapping[str, str]) -> Iterator[str]:
        """Everything that is wrong with the variables of this kind, a line each."""
        yield from ()

    def addresses(self, variables: Mapping[str, str]) -> Iterator[str]:
        """The variables that hold an address which production may reach only encrypted, outside this machine."""
        yield from ()

    def title_of(self, name: str) -> str:
        """How people call the source of that name."""
        return self.title

    def names_of(self, name: str, provider: Provider) -> tuple[str, ...]:
        """What to begin consents at a provider with, at the source of that name; several where the person chooses.

        None where it leads to none.
        """
        return provider.names_at(self.kind)

    def request_more(self, provider: str, scope: str, name: str) -> str:
        """Where somebody has `scope` of `provider` (its name) requested for the source `name`: a whole sentence."""
        raise Unsupported

    def read_event(self, name: str, body: bytes | mmap, now: datetime) -> ReadEvent:
        """The event in a body for the source of that name. Raises ValueError or RecursionError for what is none."""
        raise Unsupported

    def knows_event(self, event_type: str) -> bool:
        """Whether the type is documented, whether or not it says something about a connection."""
        return True

    def ids_without_provider(self, body: Event) -> tuple[str, ...]:
        """The ids that name the connection of a stored event which names no provider; else none."""
        return ()

    def facts(self, body: Event, happened_at: datetime, provider: str = "") -> tuple[Fact, ...]:
        """The facts in a stored event; `provider` (a slug) is whose it is, where it does not say.

        Raises PayloadError.
        """
        raise Unsupported


def key_of(kind: str, name: str) -> str:
    """How people write a source. It is looked up among the known ones, never parsed."""
    return f"{kind}:{name}"
