"""One Terra environment: its connections (generated, then changed), its consent sessions and its dashboard.

Each method that changes a connection returns the webhook events to send, in order.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from scopes.catalogue.entries import Known, Provider, Scope
from scopes.sandbox import auth_events
from scopes.sandbox.auth_events import Event
from scopes.sandbox.data_events import data_event
from scopes.sandbox.grants import offered_scopes, reports_scopes, terra_name, unordered_scopes
from scopes.sandbox.people import Connection, account_at
from scopes.sandbox.population import Population, timestamp
from scopes.sandbox.settings import Settings
from scopes.sandbox.store import Session, Store


@dataclass(frozen=True, slots=True)
class ConsentOutcome:
    """How a consent session ended. `reason` is empty if a connection was made."""

    session: Session
    reason: str
    events: list[Event]


class Account:
    """One Terra environment."""

    def __init__(self, population: Population, store: Store, settings: Settings) -> None:
        """`settings` apply until they are changed."""
        self.population = population
        self.store = store
        self.resources = population.resources
        self._defaults = settings

    # The dashboard

    @property
    def settings(self) -> Settings:
        return self._defaults.with_changes(self.store.settings())

    def change_settings(self, changes: dict[str, Any]) -> Settings:
        """Changes these settings. Raises SettingError, and changes nothing, if one is invalid."""
        thrown = self.settings.with_changes(changes)
        self.store.change_settings(changes)
        return thrown

    def providers(self, on_device: bool = False, enabled_only: bool = True) -> list[Provider]:
        """The providers that are connected on a web page or, with `on_device`, only by a phone."""
        enabled = set(self.settings.enabled_sources)
        listed = [each for each in self.resources if each.on_device is on_device]
        return [each for each in listed if terra_name(each) in enabled or not enabled_only]

    def requested(self, provider: Provider) -> tuple[Scope, ...]:
        """The scopes that this account asks the provider for."""
        names = self.settings.requested_scopes.get(terra_name(provider), offered_scopes(provider))
        return tuple(provider.by_name.get(provider.canonical(name), Scope(name)) for name in names)

    def has_shut_down(self, provider: Provider) -> bool:
        """Whether the provider has shut its service down."""
        return provider.retired_on is not None and provider.retired_on <= datetime.now(UTC).date()

    # Connections

    def count(self) -> int:
        return self.population.connections - len(self.store.removed_numbers()) + self.store.made_count()

    def connections(self, start: int, count: int) -> list[Connection]:
        """`count` connections from `start` of the listing: generated ones (without the removed), then new ones."""
        with self.store.transaction():
            removed = self.store.removed_numbers()
            standing = self.population.connections - len(removed)
            numbers = _remaining_numbers(removed, range(start, min(start + count, standing)))
            changed = self.store.changed(numbers)
            listed = [changed.get(number) or self.population.connection(number) for number in numbers]
            if len(listed) < count:
                listed += self.store.made(max(0, start - standing), count - len(listed))
        return listed

    def find(self, user_id: str) -> Connection | None:
        changed = self.store.user(user_id.lower())
        if changed:
            user, removed = changed
            return None if removed else user
        number = self.population.number_of(user_id)
        return None if number is None else self.population.connection(number)

    def of_reference(self, reference_id: str) -> list[Connection]:
        thought_up = (self.find(each.user_id) for each in self.population.of_reference(reference_id))
        return [each for each in thought_up if each] + self.store.made_for(reference_id)

    def provider_user_id(self, user: Connection) -> str:
        """The provider's own id of the account: the same after a reauth."""
        return account_at(user.provider, user.reference_id or user.user_id)

    # Consent

    def begin(
        self,
        providers: Iterable[Provider],
        reference_id: str | None,
        success_url: str,
        failure_url: str,
        widget: bool,
    ) -> Session:
        """A new consent session; a single provider is chosen already."""
        names = tuple(map(terra_name, providers))
        session = Session(
            session_id=str(uuid.uuid4()),
            widget=widget,
            providers=names,
            provider=names[0] if len(names) == 1 else None,
            user_id=str(uuid.uuid4()) if len(names) == 1 else None,
            reference_id=reference_id,
            success_url=success_url,
            failure_url=failure_url,
            started_at=time.time(),
        )
        self.store.start(session)
        return session

    def choose(self, session: Session, provider: str) -> Session:
        self.store.choose(session.session_id, provider, str(uuid.uuid4()))
        chosen = self.store.session(session.session_id)
        assert chosen is not None
        return chosen

    def expired(self, session: Session) -> bool:
        return time.time() - session.started_at >= self.settings.session_seconds

    def refuse(self, session: Session) -> ConsentOutcome | None:
        """The person refuses. None if the session had ended before."""
        return self._fail(session, "access_denied")

    def grant(self, session: Session, ticked: set[str]) -> ConsentOutcome | None:
        """The person allows what is ticked. None if the session had ended before.

        Without a mandatory scope there is no connection. The active connection of the same provider and reference id
        is replaced, and its id becomes invalid.
        """
        assert session.provider
        assert session.user_id
        provider = self.resources.find(session.provider)
        assert provider is not None
        requested = self.requested(provider)
        fixed = provider.can_untick is Known.NO
        granted = tuple(scope.name for scope in requested if fixed or scope.name in ticked)
        if any(scope.mandatory and scope.name not in granted for scope in requested):
            return self._fail(session, "missing_scopes")
        user = Connection(
            user_id=session.user_id,
            provider=session.provider,
            reference_id=session.reference_id,
            scopes=unordered_scopes(granted, uuid.UUID(session.user_id).int) if reports_scopes(provider) else None,
            active=True,
            created_at=timestamp(datetime.now(UTC)),
            last_webhook_update=None,
        )
        with self.store.transaction():
            if not self.store.end(session.session_id, "granted"):
                return None
            old = self._replaced_by(user)
            if old:
                self.store.save(old, removed=True)
            self.store.save(user)
        settings = self.settings
        followed = [auth_events.auth_success(user, session)]
        if old:
            followed.append(auth_events.user_reauth(user, old if settings.old_user == "named" else None))
            if settings.reauth_order == "reauth_first":
                followed.reverse()
        return ConsentOutcome(session, "", followed)

    def _fail(self, session: Session, reason: str) -> ConsentOutcome | None:
        if not self.store.end(session.session_id, reason):
            return None
        return ConsentOutcome(session, reason, [auth_events.auth_failed(session, reason, self.settings.event_dialect)])

    def _replaced_by(self, user: Connection) -> Connection | None:
        if user.reference_id is None:
            return None
        same = (each for each in self.of_reference(user.reference_id) if each.provider == user.provider and each.active)
        old = next(same, None)
        return replace(old, active=False) if old else None

    # Changes of a connection

    def deauthorise(self, user: Connection) -> list[Event]:
        """The application ends the connection through the API; it is removed."""
        ended = replace(user, active=False, access=False)
        self.store.save(ended, removed=True)
        return [auth_events.deauth(ended)]

    def revoke(self, user: Connection) -> list[Event]:
        """The person revokes the access at the provider. Oura sends nothing; Fitbit's notice is a `deauth`."""
        if user.provider == "OURA":
            self.store.save(replace(user, access=False))
            return []
        revoked = replace(user, active=False, access=False)
        self.store.save(revoked)
        return [auth_events.deauth(revoked) if user.provider == "FITBIT" else auth_events.access_revoked(revoked)]

    def change_permissions(self, user: Connection, scopes: list[str]) -> list[Event]:
        """The person changes the granted scopes at the provider; `scopes` is the complete new set."""
        before = user.scopes.split(",") if user.scopes else []
        changed = replace(user, scopes=",".join(scopes))
        self.store.save(changed)
        added = [scope for scope in scopes if scope not in before]
        removed = [scope for scope in before if scope not in scopes]
        return [auth_events.permission_change(changed, added, removed)]

    def send_data(self, user: Connection, kind: str, minutes: int) -> list[Event]:
        """The provider has new data of this kind; no event if Terra has no access any more."""
        provider = self.resources.find(user.provider)
        if not user.access or not user.active or (provider and self.has_shut_down(provider)):
            return []
        now = datetime.now(UTC)
        fresh = replace(user, last_webhook_update=timestamp(now))
        self.store.save(fresh)
        return [data_event(fresh, kind, now, minutes)]

    def reject_token(self, user: Connection) -> list[Event]:
        """The provider rejects the token from now on; `active` does not change, as at Terra."""
        rejected = replace(user, access=False)
        self.store.save(rejected)
        return [auth_events.connection_error(rejected, self.settings.event_dialect)]


def _remaining_numbers(removed: list[int], places: range) -> list[int]:
    """The numbers at these places of the listing without the `removed` (ascending) ones."""
    numbers = []
    passed = 0
    for place in places:
        while passed < len(removed) and removed[passed] <= place + passed:
            passed += 1
        numbers.append(place + passed)
    return numbers
