"""The tokens of connections whose consents we finish ourselves."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Token(models.Model):
    """The tokens of one connection. `access` and `refresh` are encrypted; only `sources.oauth2.vault` reads them.

    `key_id` names the key that encrypted both. `requested` are the scopes of the consent that brought them, and
    `granted_in` is where the provider reported what it granted. `access_expires_at` and `refresh_expires_at` are None
    where that is not known. `refresh_at` is when they are to be refreshed, None where nothing is to be.

    `refreshing_since` is when somebody began to refresh them, committed before the request is sent: after a minute the
    request was cut off, and whether a rotating refresh token was used up is uncertain, since `uncertain_since`.
    `failing_since` is when calls with them began to fail, for the reason `error`; None and empty while it does not.
    `asked_at` is when the provider was last asked about the connection. Once `ended_at` is set there are no tokens.
    """

    class GrantedIn(models.TextChoices):
        TOKEN_RESPONSE = "token_response", "Token response"
        AS_REQUESTED = "as_requested", "As requested (the provider reported nothing else)"
        CALLBACK = "callback", "Redirect"
        HEADER = "header", "Response header"
        ENDPOINT = "endpoint", "The provider’s own endpoint"
        INTROSPECTION = "introspection", "Introspection"
        CLAIM = "claim", "Claim of the access token"
        NOT_REPORTED = "not_reported", "Not reported"

    connection = models.OneToOneField("scopes.Connection", models.CASCADE, primary_key=True, related_name="token")
    access = models.BinaryField(null=True)
    refresh = models.BinaryField(null=True)
    key_id = models.CharField(max_length=40, blank=True)
    requested = ArrayField(models.CharField(max_length=200), default=list)
    granted_in = models.CharField(max_length=20, choices=GrantedIn.choices)
    obtained_at = models.DateTimeField()
    refreshed_at = models.DateTimeField(null=True, blank=True)
    access_expires_at = models.DateTimeField(null=True, blank=True)
    refresh_expires_at = models.DateTimeField(null=True, blank=True)
    refresh_at = models.DateTimeField(null=True, blank=True)
    refreshing_since = models.DateTimeField(null=True, blank=True)
    uncertain_since = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=400, blank=True, default="", db_default="")
    asked_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, access__isnull=False)
                | Q(ended_at__isnull=False, access__isnull=True, refresh__isnull=True, refresh_at__isnull=True),
                name="token_is_there_until_it_ended",
            ),
            models.CheckConstraint(
                condition=Q(access__isnull=True) | ~Q(key_id=""), name="token_is_encrypted_by_a_key"
            ),
        ]
        indexes = [
            models.Index(fields=["refresh_at"], condition=Q(refresh_at__isnull=False), name="token_to_refresh"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="token_by_end"),
            models.Index(fields=["key_id"], condition=Q(access__isnull=False), name="token_by_key"),
        ]

    def __str__(self) -> str:
        return f"tokens of connection {self.connection_id}"
