"""The only code that knows Terra.

`client` asks, `exchange` carries one call, `answers` reads what comes back, `errors` says what can go wrong.
`payloads` and `events` make facts of users and webhook events, `signature` proves a webhook, `environments` says who
we are, `checkup` tells whether all of that works.
"""

from scopes.sources.terra.answers import (
    Athlete,
    EnabledSources,
    ListingPage,
    Minted,
    Unreadable,
    UserInfo,
    WidgetSession,
)
from scopes.sources.terra.client import Terra, client_for
from scopes.sources.terra.environments import Environment, EnvironmentMissing, environments
from scopes.sources.terra.errors import AccountRefused, CredentialRejected, TerraError, TerraRefused, TerraUnavailable
from scopes.sources.terra.events import event_type, is_known, read_event, to_keep
from scopes.sources.terra.exchange import Limits
from scopes.sources.terra.payloads import PayloadError, TerraUser, read_user, user_to_fact
from scopes.sources.terra.signature import BadSignature, Signature, verify

__all__ = [
    "AccountRefused",
    "Athlete",
    "BadSignature",
    "CredentialRejected",
    "EnabledSources",
    "Environment",
    "EnvironmentMissing",
    "Limits",
    "ListingPage",
    "Minted",
    "PayloadError",
    "Signature",
    "Terra",
    "TerraError",
    "TerraRefused",
    "TerraUnavailable",
    "TerraUser",
    "Unreadable",
    "UserInfo",
    "WidgetSession",
    "client_for",
    "environments",
    "event_type",
    "is_known",
    "read_event",
    "read_user",
    "to_keep",
    "user_to_fact",
    "verify",
]
