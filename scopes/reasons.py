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
            "Send a reauth link, and name the box to tick.",
            by_reauth=True,
        ),
        Remedy(
            "change_request",
            "Change our request",
            "engineer",
            "Ask an engineer to request the scope; a link sent before that cannot help.",
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
            "Ask an engineer to raise the limit of this environment or client, or to free places in it.",
        ),
        Remedy(
            "phone_settings",
            "Change the phone's settings",
            "person",
            "Ask the person to allow the data in the health app's settings on their phone; no link can do it.",
        ),
        Remedy(
            "connect_successor",
            "Connect the successor",
            "person",
            "Send a link that connects the provider's successor; the old connection cannot be fixed.",
        ),
        Remedy("verify", "Verify first", "support", "Check the connection live before anyone is asked for anything."),
        Remedy("respect", "Respect the choice", "nobody", "Do not ask again before the waiver ends."),
        Remedy("wait", "Wait", "nobody", "Wait for new data; look again tomorrow."),
        Remedy("nothing", "Nothing to do", "nobody", "Nothing is wrong."),
    )
)

SCOPE_REASONS = _by_code(
    (
        Reason(
            "not_approved",
            "Not approved for our client",
            "The provider has not approved this scope for our client, so its consent screen cannot offer it.",
            "The features that need it do not work for anybody.",
            "change_console",
        ),
        Reason(
            "never_requested",
            "Never requested",
            "Our request does not ask for this scope, so the person never saw a box for it.",
            "The features that need it do not work until we ask.",
            "change_request",
        ),
        Reason(
            "not_reported",
            "Not reported",
            "The source does not tell which scopes were granted, so nobody can say whether this one is missing.",
            "Perhaps nothing: check before anyone is asked.",
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
            "Declined, and respected",
            "The person declined this scope, and a waiver respects that for now.",
            "The features that need it stay off, as the person chose.",
            "respect",
        ),
        Reason(
            "removed_later",
            "Removed later",
            "The scope was granted before and has been taken away since.",
            "The features that need it worked once and have stopped.",
            "reauthenticate",
        ),
        Reason(
            "requirement_raised",
            "Not asked for at the time",
            "The person consented before we began to request this scope, so they were never asked for it.",
            "The features that need it do not work for those who connected earlier.",
            "reauthenticate",
        ),
        Reason(
            "declined",
            "Left unticked",
            "The consent screen asked for this scope, and the person did not grant it.",
            "The features that need it do not work.",
            "reauthenticate",
        ),
        Reason(
            "not_granted",
            "Not granted",
            "The scope is not granted; whether the person was asked for it is not known.",
            "The features that need it do not work.",
            "reauthenticate",
        ),
    )
)

LINK_REASONS = _by_code(
    (
        Reason(
            "provider_retired",
            "Provider retired",
            "The provider has switched this service off; no connection to it can be fixed.",
            "Nothing arrives any more.",
            "connect_successor",
        ),
        Reason(
            "phone_permission",
            "Decided on the phone",
            "The data comes from the person's phone, where the permissions are given; no source reports them.",
            "Data that is not allowed on the phone never arrives.",
            "phone_settings",
        ),
        Reason(
            "revoked",
            "Revoked by the person",
            "The person took our access away at the provider.",
            "Nothing arrives any more.",
            "reauthenticate",
        ),
        Reason(
            "deauthorised",
            "Deauthorised",
            "The connection was ended through the API, by our application or the person's wish.",
            "Nothing arrives any more.",
            "reauthenticate",
        ),
        Reason(
            "token_rejected",
            "Token rejected",
            "The provider rejects the access token: it expired, the password changed, or access was withdrawn.",
            "Nothing new arrives.",
            "reauthenticate",
        ),
        Reason(
            "inactive",
            "Inactive",
            "The source marks the connection inactive and does not say why.",
            "Nothing new arrives.",
            "reauthenticate",
        ),
        Reason(
            "unconfirmed",
            "Perhaps gone",
            "The last complete listing lacked it, or the source did not know it when asked. Only both prove it gone.",
            "Perhaps nothing: check before anyone is asked.",
            "verify",
        ),
        Reason(
            "gone",
            "Gone",
            "The source no longer knows this connection: it is missing from a complete listing and answers 404.",
            "Nothing arrives any more.",
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
            "Data of the expected account does not arrive.",
            "reauthenticate",
        ),
        Reason(
            "no_data_source",
            "No data in this account",
            "The connected account holds no data: often it is not the one that the device writes to.",
            "The connection looks healthy, and nothing arrives.",
            "reauthenticate",
        ),
        Reason(
            "user_limit",
            "User limit reached",
            "The environment or client may serve no more people at this provider.",
            "New people cannot connect.",
            "raise_limit",
        ),
        Reason(
            "attempt_failed",
            "Never completed",
            "The consent was tried and never completed, so there is no connection.",
            "Nothing was connected.",
            "reauthenticate",
        ),
        Reason(
            "quiet",
            "Quiet",
            "The connection is active, and no data has come for long.",
            "Perhaps the device is not worn or does not sync.",
            "wait",
        ),
    )
)

REASONS = SCOPE_REASONS | LINK_REASONS
