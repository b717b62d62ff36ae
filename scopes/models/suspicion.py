"""Suspicions that a consent screen no longer offers a scope that we request."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Suspicion(models.Model):
    """None of the `consents` people who consented since `since` holds `scope`. It changes no verdict.

    `counted_at` is when this was last true. When it is no longer true, the suspicion is closed.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CONFIRMED = "confirmed", "Confirmed"
        DISMISSED = "dismissed", "Dismissed"
        CLOSED = "closed", "Closed automatically"

    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="suspicions")
    scope = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    consents = models.PositiveIntegerField()
    since = models.DateTimeField()
    found_at = models.DateTimeField()
    counted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    author = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=120, blank=True)

    class Meta:
        permissions = [("dismiss_suspicion", "Can dismiss a suspicion")]
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "scope"], condition=Q(state="open"), name="one_open_suspicion_per_scope"
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="suspicion_is_open_or_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "dismissed"]) | (~Q(author="") & ~Q(reason="")),
                name="suspicion_is_ended_by_somebody_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} at {self.integration}"
