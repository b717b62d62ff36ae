"""A consent on its way: what a source is given for it, where the person is sent, and how they return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from scopes.catalogue.entries import Provider
from scopes.facts import Fact

# The reason of an attempt that brought another account than that of the connection which is to be fixed.
WRONG_ACCOUNT = "wrong_account"
# The reason of an attempt at what only an administrator of the person's organisation can allow.
ADMIN_CONSENT_REQUIRED = "admin_consent_required"


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A consent that a person is about to be led to.

    `attempt` is our own key of it, random and single-use. `names` are the source's own names of the provider; where
    there are several, the person chooses. `missing` are the scopes to obtain, `held` those that the policy requests
    and that are held. `success_url` and `failure_url` name the attempt in their path; `callback_url` is the same for
    every attempt at the source, and expects the key in the parameter `state`. `connected_as` is the source's id of the
    connection that is to be fixed, empty where there is none. `forced`: a permission was declined before, so the
    consent screen has to be shown even if the provider would leave it out. `at` is when the person pressed.
    """

    attempt: str
    provider: Provider
    names: tuple[str, ...]
    reference_id: str
    success_url: str
    failure_url: str
    callback_url: str
    language: str = ""
    missing: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    connected_as: str = ""
    forced: bool = False
    at: datetime = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class BegunConsent:
    """The page to send the person to, as long as it works, and the ids that were minted for what comes of it.

    `requested` are the scopes that it asks for, None where the source does not take them from us; `verifier` is kept
    until the return.
    """

    url: str
    expires_in: timedelta | None = None
    user_id: str = ""
    session_id: str = ""
    requested: tuple[str, ...] | None = None
    verifier: str = ""


@dataclass(frozen=True, slots=True)
class ConsentReturn:
    """A person who is back from the provider's page: whose attempt it is, and all parameters of the address.

    `user_id`, `session_id`, `requested` and `verifier` are what the `BegunConsent` gave, `connected_as` what the
    `ConsentRequest` did.
    """

    attempt: str
    user_id: str
    session_id: str
    requested: tuple[str, ...] | None
    verifier: str
    connected_as: str
    provider: Provider
    reference_id: str
    callback_url: str
    parameters: Mapping[str, Sequence[str]]
    at: datetime


class FinishedConsent(Protocol):
    """What came of a consent. `facts` are recorded, a refusal as `AttemptFailed`; the rest is the source's own."""

    @property
    def facts(self) -> tuple[Fact, ...]: ...
