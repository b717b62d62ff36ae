"""The only code that knows Terra.

`client` asks, `exchange` carries one call, `answers` reads what comes back, `errors` says what can go wrong.
`payloads` and `events` make facts of users and webhook events, `signature` proves a webhook, `environments` says who
we are, `checkup` tells whether all of that works.
"""

from scopes.terra.answers import Athlete, EnabledSources, ListingPage, Minted, Unreadable, UserInfo, WidgetSession
from scopes.terra.client import Terra, client_for
from scopes.terra.environments import Environment, EnvironmentMissing, environments
from scopes.terra.errors import AccountRefused, CredentialRejected, TerraError, TerraRefused, TerraUnavailable
from scopes.terra.events import event_type, is_known, read_event, to_keep
from scopes.terra.exchange import Limits
from scopes.terra.payloads import PayloadError, TerraUser, read_user, user_to_fact
from scopes.terra.signature import BadSignature, Signature, verify

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
