"""People who moved from a provider to its successor, and what proves that two accounts are one."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class EarlierAccount(models.Model):
    """The id of the same person's account at a provider that this connection's provider succeeds.

    The provider of the connection reported it, at `reported_at`.
    """

    connection = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="earlier_accounts", db_index=False)
    provider = models.ForeignKey("scopes.Provider", models.PROTECT, related_name="+", db_index=False)
    account_id = models.CharField(max_length=255)
    reported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "provider"], name="earlier_account_once"),
            models.CheckConstraint(condition=~Q(account_id=""), name="earlier_account_has_an_id"),
        ]

    def __str__(self) -> str:
        return f"earlier account of connection {self.connection_id}"


class Move(models.Model):
    """The person of the connection `old` has connected its provider's successor: `new`, which worked from `since` on.

    It is proved where the successor reported the account of `old` as the same person's, else inferred.
    """

    class Basis(models.TextChoices):
        PROVED = "proved", "Proved"
        INFERRED = "inferred", "Inferred"

    old = models.OneToOneField("scopes.Connection", models.CASCADE, related_name="move")
    new = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="moves_here")
    basis = models.CharField(max_length=10, choices=Basis.choices)
    since = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(old=F("new")), name="move_is_to_another_connection"),
            models.CheckConstraint(condition=Q(basis__in=["proved", "inferred"]), name="move_basis_known"),
        ]

    def __str__(self) -> str:
        return f"move of connection {self.old_id} to {self.new_id}"


class MigrationCount(models.Model):
    """How far the people of a provider with a successor have got, counted with the census.

    `in_progress` have a link to the successor that works; `left_behind` have none.
    """

    provider = models.ForeignKey("scopes.Provider", models.CASCADE, related_name="+", db_index=False)
    production = models.BooleanField()
    moved = models.PositiveIntegerField()
    in_progress = models.PositiveIntegerField()
    left_behind = models.PositiveIntegerField()
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "production"], name="migration_counted_once")]

    def __str__(self) -> str:
        return f"migration from {self.provider_id}"
