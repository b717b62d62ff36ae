"""How the provider answers, and what goes wrong on request. Both change while it runs."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from scopes.catalogue.oauth import Consents, OAuth, Rotates

# Those that Terra's sandbox has for its endpoints, and those of OAuth: an answer that is HTML with status 200, a dead
# grant, an answer without scope, a refresh with a scope less.
FAULTS = ("429", "500", "504", "slow", "half_body", "html", "invalid_grant", "omit_scope", "narrowed")
ACCESS_SECONDS = 3600
LONGEST_SECONDS = 10 * 365 * 24 * 3600


class BehaviourError(ValueError):
    """It cannot behave so; the text says why."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How it answers.

    `rotates`: a refresh brings a new refresh token. `ends_on_reuse`: a second use of an old one ends its whole family.
    `adds`: a further consent adds to what was granted, even if the request does not ask for that.
    """

    rotates: bool = True
    ends_on_reuse: bool = True
    adds: bool = False
    access_seconds: int = ACCESS_SECONDS

    @classmethod
    def of(cls, oauth: OAuth) -> Behaviour:
        """As the catalogue says of a provider; where it does not know, as RFC 9700 advises."""
        return cls(
            rotates=oauth.refresh.rotates is not Rotates.NO,
            ends_on_reuse=not oauth.refresh.may_retry,
            adds=oauth.consents is Consents.ADD,
            access_seconds=oauth.access_token_seconds or ACCESS_SECONDS,
        )

    def with_changes(self, changes: dict[str, Any]) -> Behaviour:
        """The same with these changes. Raises BehaviourError."""
        types = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in changes.items():
            if name not in types:
                raise BehaviourError(f"There is no {name!r}; there are {', '.join(types)}.")
            if type(value) is not types[name]:
                raise BehaviourError(f"{name} is {'true or false' if types[name] is bool else 'a whole number'}.")
        if not 1 <= changes.get("access_seconds", 1) <= LONGEST_SECONDS:
            raise BehaviourError(f"access_seconds is from 1 to {LONGEST_SECONDS}.")
        return replace(self, **changes)
