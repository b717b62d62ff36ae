"""A provider of which too much breaks at once to be believed, and what was told and is held back meanwhile."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scopes.facts import LinkState


class Incident(models.Model):
    """A listing says that `broken` of the `working` connections of one integration do not work any more.

    What it says of their links is held back until somebody releases or discards it, or until a later listing says
    otherwise. One is open for an integration; a listing that says it again goes on with it.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        RELEASED = "released", "Released"
        DISCARDED = "discarded", "Discarded"
        OVER = "over", "Over by itself"

    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="incidents")
    listing = models.ForeignKey("scopes.Listing", models.PROTECT, related_name="incidents")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    broken = models.PositiveIntegerField()
    working = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    author = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=120, blank=True)

    class Meta:
        permissions = [("end_incident", "Can release or discard what an incident holds back")]
        constraints = [
            models.UniqueConstraint(
                fields=["integration"], condition=Q(state="open"), name="one_open_incident_per_integration"
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="incident_is_open_or_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["released", "discarded"]) | (~Q(author="") & ~Q(reason="")),
                name="incident_is_ended_by_somebody_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"incident {self.pk} at {self.integration}"


class QuarantinedFact(models.Model):
    """What a listing said of one connection's link, not applied yet: the state, and when that was seen."""

    listing = models.ForeignKey("scopes.Listing", models.PROTECT, related_name="quarantined_facts", db_index=False)
    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="+", db_index=False)
    connection = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="quarantined_facts")
    state = models.CharField(max_length=20)
    happened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["listing", "integration", "connection"], name="quarantined_once_for_listing_and_connection"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[LinkState.INACTIVE.value, LinkState.UNCONFIRMED.value]),
                name="quarantined_state_breaks",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} at connection {self.connection_id}"
