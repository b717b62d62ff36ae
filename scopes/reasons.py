"""The registry of healths, reasons (why a scope is missing or a link is broken) and remedies (what would fix it).

The database stores their codes, the texts are only here. `docs/reasons.md` is rendered from this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How well a connection works, best first. `unknown`: its source does not report scopes."""

    OK = "ok"
    UNKNOWN = "unknown"
    REDUCED = "reduced"
    BLOCKED = "blocked"
    BROKEN = "broken"


# In the order of bars and tables: best first, and last what nobody can say.
HEALTHS = (Health.OK, Health.REDUCED, Health.BLOCKED, Health.BROKEN, Health.UNKNOWN)


class Helps(StrEnum):
    """Whether asking the person to reauthenticate would help."""

    YES = "yes"
    PARTLY = "partly"
    VERIFY = "verify"
    NO = "no"
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would fix it. `who` can do it: person, engineer, support or nobody."""

    code: str
    title: str
    who: str
    action: str
    by_reauth: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why. `meaning` says what is wrong, `suffers` what the person notices; both are read by an agent."""

    code: str
    title: str
    meaning: str
    suffers: str
    remedy: str


def _by_code[Entry: (Remedy, Reason)](entries: tuple[Entry, ...]) -> dict[str, Entry]:
    return {entry.code: entry for entry in entries}


REMEDIES = _by_code(
    (
        Remedy(
            "reauthenticate",
            "Reauthenticate",
            "person",
            "Send a reauth link and name the box to tick.",
            by_reauth=True,
        ),
        Remedy(
            "change_request",
            "Change our request",
            "engineer",
            "Ask an engineer to request the scope. A link won’t help before that.",
        ),
        Remedy(
            "change_console",
            "Change the provider's console",
            "engineer",
            "Ask an engineer to have the scope approved for our client in the provider's console.",
        ),
        Remedy(
            "raise_limit",
            "Raise the user limit",
            "engineer",
            "Ask an engineer to raise the limit of this environment or client, or to free up places.",
        ),
        Remedy(
            "phone_settings",
            "Change the phone's settings",
            "person",
            "Ask the person to allow the data in the health app's settings on their phone. A link can’t do it.",
        ),
        Remedy(
            "connect_successor",
            "Connect the successor",
            "person",
            "Send a link to connect the provider's successor. The old connection can’t be fixed.",
        ),
        Remedy("verify", "Check first", "support", "Check the connection live before you ask the person for anything."),
        Remedy("respect", "Waived", "nobody", "Don’t ask again until the waiver ends."),
        Remedy("wait", "Wait", "nobody", "Wait for new data and check again tomorrow."),
        Remedy("nothing", "Nothing to do", "nobody", "Nothing is wrong."),
    )
)

SCOPE_REASONS = _by_code(
    (
        Reason(
            "not_approved",
            "Not approved for our client",
            "The provider has not approved this scope for our client, so its consent screen cannot offer it.",
            "The features that need it don’t work for anyone.",
            "change_console",
        ),
        Reason(
            "never_requested",
            "Never requested",
            "Our request does not ask for this scope, so the person never saw a box for it.",
            "The features that need it don’t work until we request it.",
            "change_request",
        ),
        Reason(
            "not_reported",
            "Not reported",
            "The source doesn’t report which scopes were granted, so we can’t tell whether this one is missing.",
            "Maybe nothing: check first.",
            "verify",
        ),
        Reason(
            "renamed",
            "Replaced by the provider",
            "The provider replaced this scope, and its successor is not granted.",
            "The features that need it stop working as the old scope fades out.",
            "reauthenticate",
        ),
        Reason(
            "waived",
            "Declined (waived)",
            "The person declined this scope, and it is waived for now.",
            "The features that need it stay off, as the person chose.",
            "respect",
        ),
        Reason(
            "removed_later",
            "Removed later",
            "The scope was granted before and has been removed since.",
            "The features that need it used to work and have stopped.",
            "reauthenticate",
        ),
        Reason(
            "requirement_raised",
            "Not requested at the time",
            "The person consented before we requested this scope, so they were never asked for it.",
            "The features that need it don’t work for people who connected earlier.",
            "reauthenticate",
        ),
        Reason(
            "declined",
            "Left unticked",
            "The consent screen asked for this scope and the person left it unticked.",
            "The features that need it don’t work.",
            "reauthenticate",
        ),
        Reason(
            "not_granted",
            "Not granted",
            "The scope is not granted. We don’t know whether the person was asked for it.",
            "The features that need it don’t work.",
            "reauthenticate",
        ),
    )
)

LINK_REASONS = _by_code(
    (
        Reason(
            "moved",
            "Moved to the successor",
            "The person has connected the service that takes this one's place.",
            "Nothing: the data comes from the successor.",
            "nothing",
        ),
        Reason(
            "provider_retired",
            "Provider retired",
            "The provider has shut down this service. Connections to it can’t be fixed.",
            "No data arrives any more.",
            "connect_successor",
        ),
        Reason(
            "phone_permission",
            "Permissions set on the phone",
            "The data comes from the person's phone, where the permissions are set. They are not reported to us.",
            "Data that is not allowed on the phone never arrives.",
            "phone_settings",
        ),
        Reason(
            "revoked",
            "Revoked by the person",
            "The person removed our access at the provider.",
            "No data arrives any more.",
            "reauthenticate",
        ),
        Reason(
            "deauthorised",
            "Deauthorised",
            "The connection was ended through the API, by our application or at the person's request.",
            "No data arrives any more.",
            "reauthenticate",
        ),
        Reason(
            "token_rejected",
            "Token rejected",
            "The provider rejects the access token: it expired, the password changed, or access was withdrawn.",
            "No new data arrives.",
            "reauthenticate",
        ),
        Reason(
            "inactive",
            "Inactive",
            "The source reports the connection as inactive and doesn’t say why.",
            "No new data arrives.",
            "reauthenticate",
        ),
        Reason(
            "unconfirmed",
            "Unconfirmed",
            "A listing or a live check did not find the connection. It counts as gone only if both don’t find it.",
            "Maybe nothing: check first.",
            "verify",
        ),
        Reason(
            "gone",
            "Gone",
            "The connection no longer exists: it is missing from a complete listing, and the source answers 404.",
            "No data arrives any more.",
            "reauthenticate",
        ),
        Reason(
            "credential_changed",
            "Credential changed",
            "The person changed the key or password that the connection was made with.",
            "The provider refuses access until they connect again with the new one.",
            "reauthenticate",
        ),
        Reason(
            "wrong_account",
            "Wrong account",
            "The person connected another account of the provider than before.",
            "No data arrives from the expected account.",
            "reauthenticate",
        ),
        Reason(
            "no_data_source",
            "No data in this account",
            "The connected account has no data. Often the device uses another account.",
            "The connection looks healthy, but no data arrives.",
            "reauthenticate",
        ),
        Reason(
            "user_limit",
            "User limit reached",
            "The environment or client has reached its limit of people at this provider.",
            "New people cannot connect.",
            "raise_limit",
        ),
        Reason(
            "attempt_failed",
            "Never completed",
            "The consent was never completed, so there is no connection.",
            "The provider is not connected.",
            "reauthenticate",
        ),
        Reason(
            "quiet",
            "Quiet",
            "The connection is active, but no data has arrived for a long time.",
            "Maybe the device is not worn or doesn’t sync.",
            "wait",
        ),
    )
)

# Why a scope is missing where that can be the person's choice; the rest is ours or the provider's to fix.
CHOSEN = frozenset({"removed_later", "requirement_raised", "declined", "not_granted"})

REASONS = SCOPE_REASONS | LINK_REASONS
