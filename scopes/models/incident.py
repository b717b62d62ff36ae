"""Incidents: too many connections of a provider break in one listing, so its facts about them are quarantined."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scopes.facts import LinkState


class Incident(models.Model):
    """A listing reported that `broken` of the `working` connections of one integration no longer work.

    Its facts about their links stay in quarantine until somebody releases or discards them, or a later listing reports
    otherwise. An integration has one open incident: later listings that report the same continue it.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        RELEASED = "released", "Applied"
        DISCARDED = "discarded", "Discarded"
        CLOSED = "closed", "Closed automatically"

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
        permissions = [("end_incident", "Can apply or discard quarantined changes")]
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
    """The state of one connection's link that a listing reported and that is not applied yet."""

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
                condition=Q(state__in=[state.value for state in LinkState if state is not LinkState.ACTIVE]),
                name="quarantined_state_breaks",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} at connection {self.connection_id}"
