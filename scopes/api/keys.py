"""Who calls the API: bearer keys, what each may do, and with which sources."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import datetime, timedelta
from hmac import compare_digest

import structlog
from django.db.models import Exists, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from scopes.api import idempotency
from scopes.api.problems import Problem
from scopes.intake.files import upload
from scopes.intake.files.upload import NoSuchSource
from scopes.models import ApiKey, Source
from scopes.models.api_key import PREFIX, digest_of
from scopes.sources.errors import NotConfigured
from scopes.sync import rate_limit

Permission = ApiKey.Permission

SHOWN_TO = timedelta(minutes=1)
LONGEST = 200


class ApiKeyBearer(HttpBearer):
    """Takes a key that has `permission`, or any key where that is None. `caller` has it then."""

    openapi_bearerFormat = "sps_…"  # noqa: N815 - OpenAPI's name

    def __init__(self, permission: Permission | None) -> None:
        super().__init__()
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """The key of this call. Raises Problem."""
        now = timezone.now()
        key = _find(token, now)
        structlog.contextvars.bind_contextvars(api_key=key.public_id)
        if self.permission is not None and self.permission not in key.permissions:
            raise Problem(
                403, "permission_missing", "The key does not have the permission.", permission=self.permission.value
            )
        rate = key.requests_per_minute / 60
        if rate_limit.acquire(f"api-key:{key.public_id}", rate, 0.0) is None:
            raise Problem(429, "too_many_calls", "The key’s limit is reached.", retry_after=math.ceil(1 / rate))
        if key.last_used_at is None or now - key.last_used_at >= SHOWN_TO:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        idempotency.begin(request, key, now)
        return key


ANY = ApiKeyBearer(None)


def allows(permission: Permission) -> ApiKeyBearer:
    """For the `auth` of an operation: a key with this permission."""
    return ApiKeyBearer(permission)


def caller(request: HttpRequest) -> ApiKey:
    """The key of a call."""
    key: ApiKey = vars(request)["auth"]  # where django-ninja puts it
    return key


def _find(token: str, now: datetime) -> ApiKey:
    prefix, _, rest = token.partition("_")
    public_id, _, secret = rest.partition("_")
    known = prefix == PREFIX and secret and token.isascii() and len(token) <= LONGEST
    key = ApiKey.objects.filter(public_id=public_id).first() if known else None
    if key is None or not _fits(key, secret, now):
        raise Problem(401, "key_unknown", "This is no key of the portal.")
    if key.revoked_at is not None:
        raise Problem(401, "key_revoked", "The key was revoked.")
    if key.expires_at is not None and key.expires_at <= now:
        raise Problem(401, "key_expired", "The key has expired.")
    return key


def _fits(key: ApiKey, secret: str, now: datetime) -> bool:
    digest = digest_of(secret)
    previous = key.previous_digest if key.previous_until is not None and now < key.previous_until else ""
    return compare_digest(digest, key.digest) | compare_digest(digest, previous)


def sources_of(key: ApiKey) -> QuerySet[Source]:
    """The sources that the key is for."""
    named = ApiKey.sources.through.objects.filter(apikey=key)
    return Source.objects.filter(Q(pk__in=named.values("source")) | ~Exists(named))


def source_of(key: ApiKey, name: str | None) -> Source:
    """The source that a call names, such as `host:app`; without a name the key's only one. Raises Problem.

    A source that the key is not for is as if there were none. One that is set up is recorded when it is named first.
    """
    sources = sources_of(key)
    found = list((sources.filter(key=name) if name else sources)[:2])
    if name and not found and not key.sources.exists():
        with suppress(NoSuchSource, NotConfigured):
            found = [upload.source_of(name)()]
    if len(found) == 1:
        return found[0]
    if name:
        raise Problem(404, "source_unknown", "There is no such source.")
    raise Problem(422, "source_missing", "Name the source: the key is not for exactly one.")
