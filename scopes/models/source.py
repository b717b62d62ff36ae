"""Where connections come from, and to whom they lead: sources, the catalogue's records, our integrations."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from scopes.facts import AccountTrouble

TROUBLES = [(trouble.value, trouble.value.replace("_", " ")) for trouble in AccountTrouble]


class Source(models.Model):
    """How we learn of connections: its kind chooses the gateway, its name is the one it is set up under.

    `key` is how people write it. `listed_at` is when the last complete listing began: nothing older is news.
    `longest_gap` is the longest time without a webhook in the last two weeks, None while that is not learnt yet.
    `trouble` is why it refuses our account since `trouble_since`, in its own words `trouble_detail`; empty where it
    does not.
    """

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    key = models.GeneratedField(
        expression=Concat(F("kind"), Value(":"), F("name")),
        output_field=models.CharField(max_length=81),
        db_persist=True,
    )
    production = models.BooleanField(default=False)
    listed_at = models.DateTimeField(null=True, blank=True)
    longest_gap = models.DurationField(null=True, blank=True)
    trouble = models.CharField(max_length=10, choices=TROUBLES, blank=True, default="", db_default="")
    trouble_since = models.DateTimeField(null=True, blank=True)
    trouble_detail = models.CharField(max_length=400, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], name="source_once"),
            models.CheckConstraint(
                condition=Q(trouble="", trouble_since__isnull=True) | (~Q(trouble="") & Q(trouble_since__isnull=False)),
                name="source_trouble_since_a_time",
            ),
            models.CheckConstraint(
                condition=Q(kind__regex=r"^[a-z0-9_]+$") & Q(name__regex=r"^[a-z0-9_-]+$"),
                name="source_kind_and_name_are_slugs",
            ),
        ]

    def __str__(self) -> str:
        return str(self.key)


class SourceSetup(models.Model):
    """How we are set up at a source, as it last reported (see `sources.setup.Setup`)."""

    source = models.OneToOneField(Source, models.CASCADE, primary_key=True, related_name="setup")
    read_at = models.DateTimeField()
    content = models.JSONField()

    class Meta:
        permissions = [("resend_event", "Can have a source resend an event")]

    def __str__(self) -> str:
        return f"setup of {self.source_id}"


class Provider(models.Model):
    """A third party, as the catalogue's files describe it. `entry` is the whole of it; the columns are for lists."""

    slug = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    entry = models.JSONField()
    in_catalogue = models.BooleanField(default=True)
    on_device = models.BooleanField(default=False)
    retired_on = models.DateField(null=True, blank=True)
    successor = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replaces")
    confirmed = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(successor__isnull=True) | ~Q(successor=F("id")), name="provider_succeeds_another"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Scope(models.Model):
    """One permission of one provider, by its canonical name."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    mandatory = models.BooleanField(default=False)
    confirmed = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "name"], name="scope_once_per_provider")]

    def __str__(self) -> str:
        return self.name


class UnknownScope(models.Model):
    """A scope string that was reported and that no catalogue entry knows; at most 200 are kept for a provider."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="unknown_scopes")
    name = models.CharField(max_length=200)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "name"], name="unknown_scope_once_per_provider")]

    def __str__(self) -> str:
        return self.name


class Integration(models.Model):
    """Our registration with one provider through one source. `policy_version` is the one in force for judging."""

    source = models.ForeignKey(Source, models.PROTECT, related_name="integrations")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="integrations")
    policy_version = models.ForeignKey(
        "scopes.PolicyVersion", models.PROTECT, null=True, blank=True, related_name="in_force_for"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "provider"], name="integration_once_per_source")]

    def __str__(self) -> str:
        return f"{self.provider} through {self.source}"


class PolicyVersion(models.Model):
    """The immutable full content of an integration's policy. A draft is a version that was never published.

    `in_force_from` is when the consent screen changed to what this version requests; None when it did not change.
    A trigger refuses any change of a published version.
    """

    integration = models.ForeignKey(Integration, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    in_force_from = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    author = models.CharField(max_length=150)
    note = models.TextField(blank=True)

    class Meta:
        permissions = [("draft_policy", "Can draft a policy"), ("publish_policy", "Can publish a policy")]
        constraints = [
            models.UniqueConstraint(fields=["integration", "number"], name="policy_number_once_per_integration"),
            models.CheckConstraint(condition=Q(number__gte=1), name="policy_number_from_one"),
            models.CheckConstraint(
                condition=Q(in_force_from__isnull=True) | Q(published_at__isnull=False),
                name="only_a_published_policy_is_in_force",
            ),
            models.CheckConstraint(condition=~Q(author=""), name="policy_has_an_author"),
        ]

    def __str__(self) -> str:
        return f"{self.integration}, policy {self.number}"
