"""What was received, as it came: webhooks and listings."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Left

# Whom a delivery is about, by the source's id. Cut, for an index takes no text of any length.
ABOUT = Left(Coalesce(KT("body__user__user_id"), KT("body__new_user__user_id")), 120)


class Delivery(models.Model):
    """One webhook as it was received, stored before any work. `error` says why processing failed; replay it."""

    source = models.ForeignKey("scopes.Source", models.PROTECT, related_name="deliveries")
    trace_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - unique where it is told
    digest = models.UUIDField()
    kind = models.CharField(max_length=60)
    body = models.JSONField(null=True, blank=True)
    signed_at = models.DateTimeField()
    ordered_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    stale = models.BooleanField(default=False)
    processed_at = models.DateTimeField(null=True, blank=True)
    repeats = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        permissions = [
            ("read_delivery_body", "Can read what a delivery said"),
            ("replay_delivery", "Can process a delivery again"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "digest"], name="delivery_once_by_digest"),
            models.UniqueConstraint(
                fields=["source", "trace_id"], condition=Q(trace_id__isnull=False), name="delivery_once_by_trace"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(processed_at__isnull=True), name="delivery_left_over"),
            models.Index(fields=["source", "-received_at"], name="delivery_newest"),
            models.Index(ABOUT, F("id").desc(), condition=Q(body__isnull=False), name="delivery_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Listing(models.Model):
    """One walk through everything a source lists. `seen` is a bitmap over connection ids, saved with `next_page`."""

    source = models.ForeignKey("scopes.Source", models.PROTECT, related_name="listings")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    next_page = models.PositiveIntegerField(default=0)
    seen = models.BinaryField(default=bytes)
    counts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(finished_at__isnull=True), name="one_open_listing_per_source"
            )
        ]

    def __str__(self) -> str:
        return f"listing {self.pk} of {self.source}"
