"""Received webhooks and listings."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Left

# The source's id that a delivery is about, cut because an index entry has a maximal length.
ABOUT = Left(Coalesce(KT("body__user__user_id"), KT("body__new_user__user_id")), 120)


class Delivery(models.Model):
    """One webhook as it was received, stored before it is processed. `error` is why processing failed.

    `digest` is of the body. `trace_reused` is true when its trace id was used before for another body. `waits_for` are
    ids of a connection that is not known yet and whose provider the body does not name. With `given_up_at` it is no
    longer retried automatically.
    """

    source = models.ForeignKey("scopes.Source", models.PROTECT, related_name="deliveries")
    trace_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - unique where it is sent
    digest = models.UUIDField()
    kind = models.CharField(max_length=60)
    body = models.JSONField(null=True, blank=True)
    signed_at = models.DateTimeField()
    ordered_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    stale = models.BooleanField(default=False)
    trace_reused = models.BooleanField(default=False, db_default=False)
    processed_at = models.DateTimeField(null=True, blank=True)
    repeats = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    waits_for = ArrayField(models.CharField(max_length=120), default=list, db_default=[], blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        permissions = [
            ("read_delivery_body", "Can read the content of a delivery"),
            ("replay_delivery", "Can reprocess a delivery"),
        ]
        constraints = [
            # Of each trace id: the first body once, and every further body once.
            models.UniqueConstraint(
                fields=["source", "trace_id"],
                condition=Q(trace_id__isnull=False, trace_reused=False),
                name="delivery_once_by_trace",
            ),
            models.UniqueConstraint(
                fields=["source", "trace_id", "digest"],
                condition=Q(trace_reused=True),
                name="delivery_once_by_reused_trace",
            ),
            models.UniqueConstraint(
                fields=["source", "digest", "signed_at"],
                condition=Q(trace_id__isnull=True),
                name="delivery_once_without_trace",
            ),
            models.CheckConstraint(
                condition=Q(given_up_at__isnull=True) | Q(processed_at__isnull=True),
                name="delivery_is_processed_or_given_up",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(processed_at__isnull=True, given_up_at__isnull=True, waits_for=[]),
                name="delivery_pending",
            ),
            GinIndex(fields=["waits_for"], condition=~Q(waits_for=[]), name="delivery_waits_for"),
            models.Index(fields=["given_up_at"], condition=Q(given_up_at__isnull=False), name="delivery_given_up"),
            models.Index(fields=["id"], condition=Q(trace_reused=True), name="delivery_trace_reused"),
            models.Index(fields=["source", "digest", "signed_at"], name="delivery_signed_body"),
            models.Index(fields=["source", "-received_at"], name="delivery_newest"),
            models.Index(ABOUT, F("id").desc(), condition=Q(body__isnull=False), name="delivery_about"),
        ]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"


class Listing(models.Model):
    """One walk through everything a source lists. `seen` is a bitmap of connection ids, saved with `next_page`."""

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


class ListingShard(models.Model):
    """One range of an open listing, from `start` to `end` as the gateway counts; deleted when the listing ends.

    `seen` is a bitmap of connection ids. `first` and `last` are digests of the connections on its first and last page,
    by which neighbours are compared. All three and `counts` are written when it is done.
    """

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="shards", db_index=False)
    start = models.PositiveBigIntegerField()
    end = models.PositiveBigIntegerField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seen = models.BinaryField(default=bytes)
    first = models.BinaryField(default=bytes)
    last = models.BinaryField(default=bytes)
    counts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listing", "start"], name="shard_once_of_listing_by_start"),
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gt=F("start")), name="shard_ends_after_its_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listing}, from {self.start}"
