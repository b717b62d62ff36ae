"""The verdicts of standings, and how many connections have each standing."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from scopes.reasons import Health, Helps


class Verdict(models.Model):
    """What one standing means under one policy version. Written once, never updated.

    `missing` has `scope=reason` for each need that is not met, so that lists can filter by both at once.
    """

    standing = models.ForeignKey("scopes.Standing", models.PROTECT, related_name="verdicts", db_index=False)
    policy_version = models.ForeignKey("scopes.PolicyVersion", models.PROTECT, related_name="verdicts", db_index=False)
    health = models.CharField(max_length=10)
    helps = models.CharField(max_length=12)
    link_reason = models.CharField(max_length=30, blank=True)
    link_remedy = models.CharField(max_length=30, blank=True)
    missing = ArrayField(models.CharField(max_length=240), default=list)
    lines = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy_version", "standing"], name="verdict_once"),
            models.CheckConstraint(
                condition=Q(health__in=[health.value for health in Health]), name="verdict_health_known"
            ),
            models.CheckConstraint(condition=Q(helps__in=[helps.value for helps in Helps]), name="verdict_helps_known"),
        ]

    def __str__(self) -> str:
        return f"{self.health} (standing {self.standing_id}, policy version {self.policy_version_id})"


class Census(models.Model):
    """How many connections had one standing at `taken_at`. The whole table is one census, replaced as a whole."""

    standing = models.OneToOneField("scopes.Standing", models.CASCADE, primary_key=True, related_name="census")
    connections = models.PositiveIntegerField()
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.connections} in standing {self.standing_id}"
