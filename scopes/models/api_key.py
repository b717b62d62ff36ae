"""The keys of the API, and the calls that are not done twice."""

from __future__ import annotations

import secrets
from hashlib import sha256

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

PREFIX = "sps"


class ApiKey(models.Model):
    """A key by which a host application calls the API. Only a digest of its secret is stored.

    It may do what `permissions` name, with the `sources`, or with every one where none is named. While a key is
    replaced, the previous secret works until `previous_until`.
    """

    class Permission(models.TextChoices):
        WRITE_PEOPLE = "people:write", "Report people"
        WRITE_CONNECTIONS = "connections:write", "Report connections"
        WRITE_ERRORS = "errors:write", "Report errors"
        READ_PEOPLE = "people:read", "Read a person"
        READ_CONNECTIONS = "connections:read", "List connections"
        WRITE_LINKS = "links:write", "Make reauth links"
        READ_TOKENS = "tokens:read", "Obtain access tokens"
        READ_EVENTS = "events:read", "List events"

    name = models.CharField(max_length=80)
    public_id = models.CharField(max_length=22, unique=True)
    digest = models.CharField(max_length=64)
    previous_digest = models.CharField(max_length=64, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    permissions = ArrayField(models.CharField(max_length=30, choices=Permission.choices))
    sources = models.ManyToManyField("scopes.Source", blank=True, related_name="+")
    requests_per_minute = models.PositiveIntegerField(default=600)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        permissions = [("manage_api_keys", "Can make, rotate and revoke API keys")]
        constraints = [
            models.CheckConstraint(condition=Q(requests_per_minute__gt=0), name="api_key_may_call"),
            models.CheckConstraint(
                condition=Q(previous_digest="", previous_until__isnull=True)
                | (~Q(previous_digest="") & Q(previous_until__isnull=False)),
                name="api_key_previous_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ApiCall(models.Model):
    """A call with an `Idempotency-Key`, and how it was answered; `status` is empty while it runs.

    `request` is the digest of what was called. `body` is empty where the answer holds a secret, which is not stored.
    """

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+", db_index=False)
    idempotency_key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = "API call"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["key", "idempotency_key"], name="api_call_once")]

    def __str__(self) -> str:
        return f"call {self.pk}"


def new_secret() -> str:
    """A secret of 256 bits."""
    return secrets.token_urlsafe(32)


def new_public_id() -> str:
    """What names a key: shown and searched, no secret."""
    return secrets.token_hex(8)


def in_logs(name: str) -> str:
    """What the logs call a key of that name."""
    return f"API key {name}"


def digest_of(secret: str) -> str:
    """What is stored of a secret. It is random, so a plain hash is enough."""
    return sha256(secret.encode()).hexdigest()


def written(public_id: str, secret: str) -> str:
    """The whole key, as its holder sends it."""
    return f"{PREFIX}_{public_id}_{secret}"
