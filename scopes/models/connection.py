"""Connections and what decides their verdicts: standings, periods, pulse."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from scopes.facts import LinkState, OriginKind


class Standing(models.Model):
    """Everything that decides a verdict. Connections with the same facts share one row.

    Never updated, never deleted: a process may cache digest -> id. `reported` is None when the source did not report
    scopes. `moved` says that the person has connected the successor of the provider.
    """

    id: models.AutoField[int, int] = models.AutoField(primary_key=True)
    digest = models.UUIDField(unique=True)
    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="standings")
    link = models.CharField(max_length=20)
    reported = ArrayField(models.CharField(max_length=200), null=True)
    unlisted = models.BooleanField(default=False)
    earlier = ArrayField(models.CharField(max_length=200), default=list)
    consent_version = models.ForeignKey("scopes.PolicyVersion", models.PROTECT, null=True, related_name="+")
    waived = ArrayField(models.CharField(max_length=400), default=list)
    plan = models.CharField(max_length=50, blank=True)
    moved = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(link__in=[state.value for state in LinkState]), name="standing_link_known"
            )
        ]

    def __str__(self) -> str:
        return f"standing {self.pk}"


class Connection(models.Model):
    """One person's authorised link to one provider. It outlives the source's ids; `user_id` is the newest of them.

    `standing` copies the open period's standing, in the same transaction. `scopes_at` and `link_at` are the times of
    the facts that they come from: an older fact never overwrites a newer one. `reference_id` is the one reported first,
    at `reference_at`; other ones are kept as `ReferenceConflict`. `resource` is the source's own name of the provider
    for this id, reported at `resource_at`, empty if never. A merged connection has no open period: the one in
    `merged_into` continues it. `previously_erased_on` is the day on which an earlier record of it was erased here.
    """

    person = models.ForeignKey("scopes.Person", models.PROTECT, null=True, blank=True, related_name="connections")
    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="connections", db_index=False)
    standing = models.ForeignKey(Standing, models.PROTECT, related_name="connections", db_index=False)
    user_id = models.CharField(max_length=120)
    reference_id = models.CharField(max_length=255, blank=True)
    reference_at = models.DateTimeField(null=True, blank=True)
    provider_user_id = models.CharField(max_length=255, blank=True)
    resource = models.CharField(max_length=255, blank=True, default="", db_default="")
    resource_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    scopes_at = models.DateTimeField()
    link_at = models.DateTimeField()
    first_seen_at = models.DateTimeField()
    previously_erased_on = models.DateField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="absorbed", db_index=False
    )

    class Meta:
        permissions = [("export_connections", "Can export lists of connections")]
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "integration"],
                condition=Q(merged_into__isnull=True),
                name="connection_once_per_source_id",
            ),
            models.CheckConstraint(condition=~Q(user_id=""), name="connection_has_a_source_id"),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="connection_merges_into_another"
            ),
        ]
        indexes = [
            # Includes the person, so that the people of many standings are counted from the index alone.
            models.Index(
                fields=["standing", "id"],
                include=["person"],
                condition=Q(merged_into__isnull=True),
                name="connection_by_standing",
            ),
            # For ids of which only the beginning is known.
            models.Index(
                fields=["user_id"],
                opclasses=["varchar_pattern_ops"],
                condition=Q(merged_into__isnull=True),
                name="connection_by_start_of_id",
            ),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="connection_by_survivor"),
            models.Index(fields=["integration", "consented_at"], name="connection_by_consent"),
            models.Index(
                fields=["reference_id"],
                condition=Q(person__isnull=True) & ~Q(reference_id=""),
                name="connection_unclaimed",
            ),
            models.Index(
                Upper("reference_id"),
                condition=Q(person__isnull=True) & ~Q(reference_id=""),
                name="connection_unclaimed_in_case",
            ),
            models.Index(
                fields=["provider_user_id", "integration"],
                condition=Q(merged_into__isnull=True) & ~Q(provider_user_id=""),
                name="connection_by_account",
            ),
            models.Index(
                fields=["id"],
                condition=Q(merged_into__isnull=True, person__isnull=True),
                name="connection_without_person",
            ),
        ]

    def __str__(self) -> str:
        return f"connection {self.pk}"


class Period(models.Model):
    """The time during which a connection had one standing, and the fact that began it. Rows are closed, not changed.

    `consented_at` is the last consent known when it began; the connection's own changes with each consent.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="periods", db_index=False)
    standing = models.ForeignKey(Standing, models.PROTECT, related_name="+", db_index=False)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    origin = models.CharField(max_length=12)
    origin_record = models.CharField(max_length=120, blank=True)
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    consented_at = models.DateTimeField(null=True, blank=True)
    unlisted = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], condition=Q(until__isnull=True), name="one_open_period_per_connection"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="period_ends_after_it_began"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=[kind.value for kind in OriginKind]), name="period_origin_known"
            ),
        ]
        indexes = [models.Index(fields=["connection", "since"], name="period_by_connection")]

    def __str__(self) -> str:
        return f"connection {self.connection_id} since {self.since}"


class Pulse(models.Model):
    """The days of the last webhook and the last data: kept apart, because they change every night."""

    connection = models.OneToOneField(Connection, models.CASCADE, primary_key=True, related_name="pulse")
    last_webhook_on = models.DateField(null=True, blank=True)
    last_data_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return f"pulse of connection {self.connection_id}"


class FormerId(models.Model):
    """An earlier id of a connection at its source: late facts about it still find their connection."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="former_ids")
    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="+", db_index=False)
    user_id = models.CharField(max_length=120)
    replaced_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "integration"], name="former_id_of_one_connection"),
        ]

    def __str__(self) -> str:
        return self.user_id


class ReferenceConflict(models.Model):
    """A second reference id that a source reported for a connection.

    `first_at` is when it was first reported. The connection stays with the reference id of the earliest report.
    `origin` and `origin_record` name the fact that reported this one; they are empty if the connection had it until an
    earlier report of another arrived. One row a pair, kept for ever: a dismissed conflict is not opened again.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="reference_conflicts", db_index=False)
    reference_id = models.CharField(max_length=255)
    first_at = models.DateTimeField()
    origin = models.CharField(max_length=12, blank=True)
    origin_record = models.CharField(max_length=120, blank=True)
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    author = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=120, blank=True)

    class Meta:
        permissions = [("dismiss_reference_conflict", "Can dismiss “Reported for two people”")]
        constraints = [
            models.UniqueConstraint(fields=["connection", "reference_id"], name="reference_conflict_once"),
            models.CheckConstraint(condition=~Q(reference_id=""), name="reference_conflict_is_reported"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | (~Q(author="") & ~Q(reason="")),
                name="reference_conflict_is_dismissed_by_somebody_and_why",
            ),
        ]
        indexes = [
            models.Index(fields=["reference_id"], name="reference_conflict_by_id"),
            models.Index(fields=["id"], condition=Q(ended_at__isnull=True), name="reference_conflict_open"),
        ]

    def __str__(self) -> str:
        return f"another reference id of connection {self.connection_id}"
