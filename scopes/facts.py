"""What can happen to a connection. Every source reports these facts, and nothing else is recorded.

A fact is what a source reported, and when. What it means is judged later.
Times are timezone-aware UTC. `None` means that the source did not report it. `resource` is the source's own name of the
provider (such as `DEXCOM_EU`, where a source knows regions), where it gave one: `provider` is our slug.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class OriginKind(StrEnum):
    """How a fact arrived."""

    LISTING = "listing"
    WEBHOOK = "webhook"
    FILE = "file"
    LIVE_CHECK = "live_check"
    RETURN = "return"
    REFRESH = "refresh"
    POLICY = "policy"
    ACT = "act"
    API = "api"
    SUCCESSOR = "successor"

    @property
    def noun(self) -> str:
        """What such a fact is read from, in words: "webhook", "imported file"."""
        return _NOUNS[self]

    @property
    def a_noun(self) -> str:
        """The same with its article."""
        return f"{'an' if self.noun[0] in 'aeiouA' else 'a'} {self.noun}"


_NOUNS = {
    OriginKind.LISTING: "nightly listing",
    OriginKind.WEBHOOK: "webhook",
    OriginKind.FILE: "imported file",
    OriginKind.LIVE_CHECK: "live check",
    OriginKind.RETURN: "redirect",
    OriginKind.REFRESH: "token refresh",
    OriginKind.POLICY: "policy publication",
    OriginKind.ACT: "agent",
    OriginKind.API: "API call",
    OriginKind.SUCCESSOR: "connection to the successor",
}


# These report the state of a connection, not the time when it changed.
OBSERVATIONS = frozenset({OriginKind.LISTING, OriginKind.FILE, OriginKind.LIVE_CHECK, OriginKind.API})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fact came from: the source's key, how it arrived, and the id of the listing, delivery or file."""

    source: str
    kind: OriginKind
    record: str = ""


class LinkState(StrEnum):
    """What is known of the link itself, apart from its scopes."""

    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
    INACTIVE = "inactive"
    REVOKED = "revoked"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - the state of a token, not one
    DEAUTHORISED = "deauthorised"
    GONE = "gone"
    CREDENTIAL_CHANGED = "credential_changed"
    NO_DATA_SOURCE = "no_data_source"
    WRONG_ACCOUNT = "wrong_account"
    USER_LIMIT = "user_limit"


class AccountTrouble(StrEnum):
    """Why a source refuses our account, whoever asks."""

    USER_LIMIT = "user_limit"
    PAYMENT = "payment"
    CREDENTIAL = "credential"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class ConnectionSeen:
    """A source reported this connection: in a listing, a live check, a file, or along with data.

    `scopes` are the strings exactly as reported; `None` is "not reported", an empty tuple is "none granted".
    `active=True` proves nothing about the token; `active=False` counts. `earlier_accounts` are as in `ConsentGiven`.
    """

    provider: str
    user_id: str
    happened_at: datetime
    reference_id: str | None = None
    scopes: tuple[str, ...] | None = None
    active: bool | None = None
    created_at: datetime | None = None
    last_webhook_on: date | None = None
    last_data_on: date | None = None
    provider_user_id: str | None = None
    resource: str | None = None
    earlier_accounts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """A person finished the provider's consent screen; `scopes` is what they granted there.

    `earlier_accounts` are pairs of a provider that this one succeeds and the id of the same person's account there.
    """

    provider: str
    user_id: str
    happened_at: datetime
    reference_id: str | None = None
    scopes: tuple[str, ...] | None = None
    session_id: str | None = None
    resource: str | None = None
    earlier_accounts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class IdReplaced:
    """The source gave the same connection a new id after a reauth. `old_user_id` is None if not reported."""

    provider: str
    user_id: str
    old_user_id: str | None
    happened_at: datetime
    reference_id: str | None = None
    scopes: tuple[str, ...] | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The link itself changed: revoked, deauthorised, its token rejected, gone, or working again."""

    provider: str
    user_id: str
    state: LinkState
    happened_at: datetime
    reference_id: str | None = None
    detail: str = ""
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class ScopesChanged:
    """Scopes were added or removed. `scopes` is the whole set afterwards, if the source reported it."""

    provider: str
    user_id: str
    happened_at: datetime
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    reference_id: str | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class DataRefused:
    """The provider refused data of one kind for lack of permission: evidence, which changes no reason by itself.

    `data_type` is empty if it was not reported; `message` is the source's own text.
    """

    provider: str
    user_id: str
    happened_at: datetime
    message: str
    data_type: str = ""


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt to give consent ended without a connection. `reason` is the source's own code, as free text."""

    happened_at: datetime
    reason: str
    provider: str | None = None
    reference_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    message: str = ""


Fact = ConnectionSeen | ConsentGiven | IdReplaced | LinkChanged | ScopesChanged | DataRefused | AttemptFailed
ConnectionFact = ConnectionSeen | ConsentGiven | IdReplaced | LinkChanged | ScopesChanged


@dataclass(frozen=True, slots=True)
class PersonKnown:
    """The host application reported one of its users. `email` is lower case; `plan` is the host's short key."""

    reference_id: str
    email: str = ""
    name: str = ""
    locale: str = ""
    plan: str = ""
