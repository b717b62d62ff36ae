"""Make, rotate and revoke the keys of the API. Each act is recorded in the activity log; no secret is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from scopes.models import ApiKey, Source
from scopes.models.api_key import digest_of, new_public_id, new_secret, written
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

# How long the previous secret works while a key is rotated.
ROTATION = timedelta(hours=24)


class KeyState(StrEnum):
    """Whether a key can be used."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyEnded(Exception):
    """The key can no longer be used, so it is neither rotated nor revoked."""

    def __init__(self, state: KeyState) -> None:
        self.state = state
        super().__init__(f"The key is already {state}.")


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be. Without `sources` it is for all; `expires_at` may be None."""

    name: str
    permissions: Sequence[ApiKey.Permission]
    sources: Sequence[Source]
    requests_per_minute: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """A key with its new secret, and the whole of it as its holder sends it, which is stored nowhere."""

    key: ApiKey
    whole: str = field(repr=False)


def state_of(key: ApiKey, now: datetime) -> KeyState:
    """The key's state at `now`."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    return KeyState.EXPIRED if key.expires_at is not None and key.expires_at <= now else KeyState.IN_FORCE


@in_transaction
def make(wanted: NewKey, act: Act, now: datetime) -> Made:
    """A new key."""
    secret = new_secret()
    key = ApiKey.objects.create(
        name=wanted.name,
        public_id=new_public_id(),
        digest=digest_of(secret),
        permissions=[permission.value for permission in wanted.permissions],
        requests_per_minute=wanted.requests_per_minute,
        expires_at=wanted.expires_at,
        created_at=now,
        created_by=act.name,
    )
    key.sources.set(wanted.sources)
    detail = {
        "permissions": key.permissions,
        "sources": [source.key for source in wanted.sources],
        "requests_per_minute": key.requests_per_minute,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }
    _note("api_key.made", key, act, now, detail)
    return Made(key, written(key.public_id, secret))


@in_transaction
def rotate(key: ApiKey, act: Act, now: datetime) -> Made:
    """A new secret for the key; the one before works for another day, an earlier one no longer. Raises KeyEnded."""
    locked = _lock(key, now)
    secret = new_secret()
    locked.previous_digest, locked.previous_until = locked.digest, now + ROTATION
    locked.digest = digest_of(secret)
    locked.save(update_fields=["digest", "previous_digest", "previous_until"])
    _note("api_key.rotated", locked, act, now, {"previous_until": locked.previous_until.isoformat()})
    return Made(locked, written(locked.public_id, secret))


@in_transaction
def revoke(key: ApiKey, act: Act, now: datetime) -> None:
    """The key stops working, each of its secrets. Raises KeyEnded."""
    locked = _lock(key, now)
    locked.revoked_at = now
    locked.save(update_fields=["revoked_at"])
    _note("api_key.revoked", locked, act, now, {})


def _lock(key: ApiKey, now: datetime) -> ApiKey:
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    state = state_of(locked, now)
    if state is not KeyState.IN_FORCE:
        raise KeyEnded(state)
    return locked


def _note(verb: str, key: ApiKey, act: Act, now: datetime, detail: Mapping[str, object]) -> None:
    act.entry(verb, now, subject=f"{key.name} ({key.public_id})", detail=detail).save()
