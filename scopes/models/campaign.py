"""Campaigns: links that are sent to many people, and to whom each was sent or why it was not."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Campaign(models.Model):
    """Links for many people: who gets one, why, and how fast.

    `filters` are those of the list of connections that found the audience; a selection has none. A migration is for the
    connections at `provider` that have not moved; its links lead to the integration `successor`. `language` is empty
    where each person is written to in their own. `per_hour` is the most links in any 60 minutes. `listed_at` is when
    the audience was recorded, `weighed_at` when the preflight of all of them was done. `paced_from` is when it was last
    started, `paced` how many links it created since. `numbers` says how far the recipients had got at `counted_at`,
    and of a migration `progress` how many had moved.
    """

    class Kind(models.TextChoices):
        SELECTION = "selection", "Selection"
        FILTER = "filter", "All that match"
        MIGRATION = "migration", "Migration"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=120)
    filters = models.JSONField(default=dict)
    provider = models.ForeignKey("scopes.Provider", models.PROTECT, null=True, blank=True, related_name="+")
    successor = models.ForeignKey("scopes.Integration", models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField()
    ticket = models.CharField(max_length=120, blank=True)
    author = models.CharField(max_length=150)
    language = models.CharField(max_length=10, blank=True)
    days = models.PositiveSmallIntegerField()
    per_hour = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    created_at = models.DateTimeField()
    listed_at = models.DateTimeField(null=True, blank=True)
    weighed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    paced_from = models.DateTimeField(null=True, blank=True)
    paced = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    numbers = models.JSONField(default=list)
    progress = models.JSONField(default=dict, db_default={})
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("run_campaign", "Can make, start, pause and end campaigns"),
            ("send_to_selection", "Can send links to a selection of connections"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(reason="") & ~Q(author=""), name="campaign_says_why"),
            models.CheckConstraint(
                condition=Q(kind="migration", provider__isnull=False, successor__isnull=False)
                | ~Q(kind="migration") & Q(provider__isnull=True, successor__isnull=True),
                name="campaign_migrates_from_one_to_another",
            ),
            models.CheckConstraint(condition=Q(per_hour__gte=1, days__gte=1), name="campaign_has_a_pace"),
            models.CheckConstraint(
                condition=Q(state="draft", started_at__isnull=True)
                | Q(state__in=["running", "paused"], started_at__isnull=False, weighed_at__isnull=False)
                | Q(state="done", ended_at__isnull=False),
                name="campaign_times_fit_its_state",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Recipient(models.Model):
    """One connection of a campaign's audience. `integration` is where its link leads.

    `reason_code` is why something is missing, `obstacle` of why no link is sent. A connection that is unclaimed
    has no person. It leaves when its turn comes and nothing is missing any more.
    """

    class State(models.TextChoices):
        LISTED = "listed", "Not checked yet"
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Link created"
        LEFT_OUT = "left_out", "Left out"
        LEFT = "left", "Fixed before its turn"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="recipients", db_index=False)
    person = models.ForeignKey("scopes.Person", models.PROTECT, null=True, related_name="campaigns")
    connection = models.ForeignKey("scopes.Connection", models.SET_NULL, null=True, related_name="campaigns")
    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="+", db_index=False)
    link = models.OneToOneField("scopes.ReauthLink", models.PROTECT, null=True, related_name="recipient")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LISTED)
    reason_code = models.CharField(max_length=30, blank=True)
    obstacle = models.CharField(max_length=40, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "person", "integration"], name="recipient_once_per_campaign_and_integration"
            ),
            models.CheckConstraint(
                condition=Q(state="sent", link__isnull=False, sent_at__isnull=False)
                | (~Q(state="sent") & Q(link__isnull=True, sent_at__isnull=True)),
                name="recipient_was_sent_a_link",
            ),
            models.CheckConstraint(
                condition=Q(state="left_out") & ~Q(obstacle="") | ~Q(state="left_out") & Q(obstacle=""),
                name="recipient_is_left_out_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "state", "obstacle", "id"], name="recipient_by_state"),
            models.Index(fields=["campaign", "sent_at"], condition=Q(state="sent"), name="recipient_by_time"),
        ]

    def __str__(self) -> str:
        return f"recipient {self.pk} of campaign {self.campaign_id}"
