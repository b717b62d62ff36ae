"""The trail of what people and the portal did, and the nightly audit runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, and why. `author` is None where no agent does it; `by` then names the source or command."""

    author: User | None
    reason: str = ""
    ticket: str = ""
    by: str = ""

    @property
    def name(self) -> str:
        """The agent's user name, or what does it in place of one."""
        return self.author.get_username() if self.author else self.by

    def entry(self, verb: str, at: datetime, **about: Any) -> TrailEntry:
        """Its entry in the trail, not saved yet; `about` are the entry's own fields."""
        return TrailEntry(
            verb=verb,
            at=at,
            actor=self.author,
            actor_name=self.name,
            reason=self.reason,
            ticket=self.ticket,
            **about,
        )


class AuditRun(models.Model):
    """One pass of the nightly job. `counts` is what it counted, `changes` how that differs from the run before.

    `steps` are those that are done, in their order: {"step", "seconds", "result"}, the last only where it has one.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    step = models.CharField(max_length=40, blank=True)
    steps = models.JSONField(default=list, db_default=[])
    offline = models.BooleanField(default=False)
    resumed = models.PositiveSmallIntegerField(default=0)
    listings = models.ManyToManyField("scopes.Listing", related_name="audit_runs", blank=True)
    counts = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    error = models.TextField(blank=True)
    exit_code = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="running"), name="one_open_audit_run"),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | (~Q(state="running") & Q(finished_at__isnull=False)),
                name="audit_run_is_running_or_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"Audit, {self.started_at:%-d %b}"


class TrailEntry(models.Model):
    """What somebody did, append-only. Names are stored next to the foreign keys, so that entries outlive the rows.

    Changes of a connection are in its periods; the trail has everything else.
    """

    at = models.DateTimeField()
    verb = models.CharField(max_length=40)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    person = models.ForeignKey("scopes.Person", models.SET_NULL, null=True, blank=True, related_name="trail")
    connection = models.ForeignKey("scopes.Connection", models.SET_NULL, null=True, blank=True, related_name="trail")
    integration = models.ForeignKey("scopes.Integration", models.SET_NULL, null=True, blank=True, related_name="trail")
    subject = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=120, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "activity log entries"
        permissions = [("view_access_log", "Can see the access log")]
        constraints = [
            models.CheckConstraint(condition=~Q(verb="") & ~Q(actor_name=""), name="trail_says_who_did_what")
        ]
        indexes = [
            models.Index(fields=["person", "-at"], name="trail_of_person"),
            models.Index(fields=["actor", "-at"], name="trail_of_actor"),
            models.Index(fields=["subject"], name="trail_by_subject"),
            models.Index(fields=["at"], name="trail_by_time"),
            # Whom a list showed: the entries of the access log that name a person among others.
            GinIndex(
                OpClass("detail", "jsonb_path_ops"), condition=Q(verb="people.listed"), name="trail_of_listed_people"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.subject}" if self.subject else self.action

    @property
    def action(self) -> str:
        """What was done, in words: "Policy published"."""
        return self.verb.replace(".", " ").replace("_", " ").capitalize()
