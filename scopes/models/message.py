"""Messages that bring a reauth link to a person, and how far each has got."""

from __future__ import annotations

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q


class Message(models.Model):
    """One mail with a reauth link. `number` is 1 for the first of its link, and counts up with each reminder.

    Its text is made when it is sent, and stored nowhere. It is `sending` from `claimed_at`, committed before anything
    is said to the mail server, so that nobody else sends it; cut off there it is `uncertain`. `sent_at` is when the
    server took it, `ended_at` when it arrived, bounced, was stopped or became uncertain. `detail` is a code: why it was
    stopped, or what the server said; never an address. `public_id` travels with it, `tracking_id` is the mail service's
    own id. `address_digest` is a keyed hash of the address that it went to.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        ARRIVED = "arrived", "Arrived"
        BOUNCED = "bounced", "Never arrived"
        UNCERTAIN = "uncertain", "Uncertain"
        STOPPED = "stopped", "Stopped"

    public_id = models.UUIDField(db_default=RandomUUID(), unique=True, editable=False)
    link = models.ForeignKey("scopes.ReauthLink", models.PROTECT, related_name="messages", db_index=False)
    number = models.PositiveSmallIntegerField(default=1)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    detail = models.CharField(max_length=40, blank=True)
    tracking_id = models.CharField(max_length=255, blank=True)
    address_digest = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "number"], name="message_once_per_link_and_number"),
            models.CheckConstraint(condition=Q(number__gte=1), name="message_counts_from_one"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending"], sent_at__isnull=True, ended_at__isnull=True)
                | Q(state="sent", sent_at__isnull=False, ended_at__isnull=True)
                | Q(state="arrived", sent_at__isnull=False, ended_at__isnull=False)
                | Q(state__in=["bounced", "uncertain", "stopped"], ended_at__isnull=False),
                name="message_times_fit_its_state",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(claimed_at__isnull=False), name="message_being_sent_is_claimed"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["bounced", "uncertain", "stopped"]) | ~Q(detail=""),
                name="message_not_arrived_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="message_waiting"),
            models.Index(fields=["claimed_at"], condition=Q(state="sending"), name="message_being_sent"),
            models.Index(fields=["tracking_id"], condition=~Q(tracking_id=""), name="message_by_tracking_id"),
            models.Index(
                fields=["address_digest"],
                condition=Q(state="bounced") | Q(detail="complained"),
                name="message_refused_address",
            ),
        ]

    def __str__(self) -> str:
        return f"message {self.number} of link {self.link_id}"
