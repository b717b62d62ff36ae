"""Sign-ins that failed."""

from __future__ import annotations

from django.db import models


class FailedSignIns(models.Model):
    """How many sign-ins failed under one name, or from one address, since `first_at`. `subject` is its keyed hash."""

    subject = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField()
    first_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "failed sign-ins"
        default_permissions = ()
        indexes = [models.Index(fields=["first_at"], name="failed_sign_ins_by_age")]

    def __str__(self) -> str:
        return f"{self.attempts} since {self.first_at}"


class CachedValue(models.Model):
    """A row of the cache that all processes share: `django.core.cache` reads and writes it, nothing else does."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.cache_key
