"""Merged connections, suspected duplicates, and the link events that decide which ids are one connection."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class Merge(models.Model):
    """`absorbed` and `survivor` are one connection: `survivor` continues with the id and the facts of `absorbed`.

    `survivor_user_id` is the id that the survivor had before. The columns from `standing` to `last_data_on` are the
    survivor's values as if there were no merge, kept up to date with facts about its former id: unmerging restores
    them. `joined` is the standing of both together, `waivers` are the ids of those that moved to the survivor.
    """

    class Why(models.TextChoices):
        OLD_USER = "old_user", "The source reported which id was replaced"
        MINTED = "minted", "The new id came from a link for this connection, which no longer worked"
        ACCOUNT = "account", "Both use the same account at the provider"
        INFERRED = "inferred", "The old one no longer worked, and the person has no other"
        AGENT = "agent", "An agent merged them"

    absorbed = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="merges")
    survivor = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="merges_into_it")
    why = models.CharField(max_length=10, choices=Why.choices)
    absorbed_user_id = models.CharField(max_length=120)
    survivor_user_id = models.CharField(max_length=120)
    joined = models.ForeignKey("scopes.Standing", models.PROTECT, related_name="+", db_index=False)
    merged_at = models.DateTimeField()
    author = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=120, blank=True)

    standing = models.ForeignKey("scopes.Standing", models.PROTECT, related_name="+", db_index=False)
    reference_id = models.CharField(max_length=255, blank=True)
    reference_at = models.DateTimeField(null=True, blank=True)
    provider_user_id = models.CharField(max_length=255, blank=True)
    resource = models.CharField(max_length=255, blank=True, default="", db_default="")
    resource_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    scopes_at = models.DateTimeField()
    link_at = models.DateTimeField()
    unlisted = models.JSONField(null=True, blank=True)
    last_webhook_on = models.DateField(null=True, blank=True)
    last_data_on = models.DateField(null=True, blank=True)
    waivers = ArrayField(models.BigIntegerField(), default=list)

    unmerged_at = models.DateTimeField(null=True, blank=True)
    unmerged_by = models.CharField(max_length=150, blank=True)
    unmerged_reason = models.TextField(blank=True)
    unmerged_ticket = models.CharField(max_length=120, blank=True)

    class Meta:
        permissions = [("merge_connections", "Can merge connections that are one, and unmerge them")]
        constraints = [
            models.UniqueConstraint(
                fields=["absorbed"], condition=Q(unmerged_at__isnull=True), name="one_open_merge_per_connection"
            ),
            models.CheckConstraint(condition=~Q(absorbed=F("survivor")), name="merge_joins_two"),
            models.CheckConstraint(
                condition=~Q(why="agent") | (~Q(author="") & ~Q(reason="")), name="agent_merges_by_name_and_says_why"
            ),
            models.CheckConstraint(
                condition=Q(unmerged_at__isnull=True, unmerged_by="", unmerged_reason="")
                | (Q(unmerged_at__isnull=False) & ~Q(unmerged_by="") & ~Q(unmerged_reason="")),
                name="merge_is_undone_by_somebody_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"merge of connection {self.absorbed_id} into {self.survivor_id}"


class SuspectedDuplicate(models.Model):
    """Two connections of one person and integration that may be one. `first` was recorded before `second`.

    One row a pair, kept for ever: a pair that was unmerged or marked as distinct is not merged or suspected again.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        MERGED = "merged", "Merged"
        DISTINCT = "distinct", "Marked as distinct"

    first = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="suspected_seconds")
    second = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="suspected_firsts", db_index=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    author = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["second", "first"], name="suspected_once_per_pair"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="suspected_in_the_order_of_recording"),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="suspected_is_open_or_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state="distinct") | (~Q(author="") & ~Q(reason="")),
                name="marked_distinct_by_somebody_and_why",
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(state="open"), name="suspected_open")]

    def __str__(self) -> str:
        return f"connections {self.first_id} and {self.second_id}"


class LinkEvent(models.Model):
    """Something that was reported about the link of one id. These events decide whether two ids are one connection.

    Stored by id, not by connection, because ids are merged and unmerged. `what` is a state of the link, or one of the
    constants below: a consent, the replacement of `old_user_id`, the last use of the id, the newest account at the
    provider.
    """

    CONSENTED, REPLACED, SEEN, ACCOUNT = "consented", "replaced", "seen", "account"

    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="+", db_index=False)
    user_id = models.CharField(max_length=120)
    happened_at = models.DateTimeField()
    what = models.CharField(max_length=20)
    old_user_id = models.CharField(max_length=120, blank=True)
    provider_user_id = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "integration", "happened_at", "what", "old_user_id"], name="link_event_once"
            ),
            models.UniqueConstraint(
                fields=["user_id", "integration", "what"],
                condition=Q(what__in=("seen", "account")),
                name="link_event_newest",
            ),
        ]
        indexes = [
            models.Index(
                fields=["old_user_id", "integration"], condition=~Q(old_user_id=""), name="link_event_by_old_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.what} at {self.happened_at}"
