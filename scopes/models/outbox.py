"""What we report to others: to which addresses, what happened, and how far each event has got at each of them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q


class Endpoint(models.Model):
    """An address of somebody who wants to hear of events. `types` and `sources` are all where they are empty.

    Its secret is derived from `public_id` and `generation` (see `outbox.signing`): rotating it counts that up, and the
    secret before still signs until `previous_until`. `failures` counts what failed there since the last success,
    `failing_since` is when that began; nothing is sent there before `paused_until`. `is_slow`: its last answers took
    long, so it takes turns with other slow ones.
    """

    class State(models.TextChoices):
        ENABLED = "enabled", "Enabled"
        DISABLED = "disabled", "Disabled"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80, unique=True)
    url = models.CharField(max_length=500)
    types = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    sources: models.ManyToManyField[models.Model, models.Model] = models.ManyToManyField(
        "scopes.Source", related_name="endpoints", blank=True
    )
    generation = models.PositiveIntegerField(default=1)
    previous_until = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ENABLED)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    is_slow = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)

    class Meta:
        permissions = [("manage_endpoints", "Can manage endpoints and send events again")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(url="") & ~Q(created_by=""), name="endpoint_is_named_and_made_by_somebody"
            ),
            models.CheckConstraint(condition=Q(state__in=["enabled", "disabled"]), name="endpoint_state_known"),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since__isnull=True, paused_until__isnull=True)
                | Q(failures__gt=0, failing_since__isnull=False),
                name="endpoint_fails_since_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OutboxEvent(models.Model):
    """Something that happened, as we report it. Written in the transaction that changed it, and never changed.

    `body` holds ids, names of scopes and codes: no e-mail address, no token, no health data. Of events with the same
    `ordering_key` a later one is not sent before an earlier one. `number` is its place in the API's list; it is given
    once the event is committed, so that no reader's cursor passes one that was still being written.
    """

    public_id = models.UUIDField(db_default=RandomUUID(), unique=True, editable=False)
    type = models.CharField(max_length=40)
    source = models.ForeignKey("scopes.Source", models.PROTECT, null=True, related_name="+", db_index=False)
    connection = models.ForeignKey("scopes.Connection", models.CASCADE, null=True, related_name="events")
    ordering_key = models.CharField(max_length=60)
    body = models.JSONField()
    made_at = models.DateTimeField()
    number = models.BigIntegerField(null=True, unique=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(type="") & ~Q(ordering_key=""), name="event_has_a_type_and_an_order")
        ]
        indexes = [
            models.Index(fields=["made_at"], name="event_by_age"),
            models.Index(fields=["id"], condition=Q(number__isnull=True), name="event_without_number"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class Sending(models.Model):
    """One event on its way to one endpoint.

    While it waits it is due at `next_at`, which whoever sends it moves ahead first, committed, so that nobody else
    does. After `give_up_at` a failure is the last. `status` is what the last answer was, None where there was none.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    event = models.ForeignKey(OutboxEvent, models.CASCADE, related_name="sendings", db_index=False)
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="sendings", db_index=False)
    ordering_key = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    give_up_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="event_once_per_endpoint"),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at__isnull=True)
                | Q(state__in=["delivered", "failed"], ended_at__isnull=False),
                name="sending_waits_or_ended",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(error=""), name="sending_failed_for_a_reason"),
        ]
        indexes = [
            models.Index(fields=["endpoint", "event"], condition=Q(state="waiting"), name="sending_waiting"),
            models.Index(
                fields=["endpoint", "ordering_key", "event"], condition=Q(state="waiting"), name="sending_in_order"
            ),
            models.Index(fields=["ended_at"], condition=~Q(state="waiting"), name="sending_by_end"),
            models.Index(fields=["endpoint", "state", "event"], name="sending_by_endpoint"),
        ]

    def __str__(self) -> str:
        return f"event {self.event_id} to endpoint {self.endpoint_id}"
