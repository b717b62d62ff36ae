"""Tries to sign in that did not succeed."""

from __future__ import annotations

from django.db import models


class FailedSignIns(models.Model):
    """How often sign-in was tried under one name or from one address since `first_at`. The subject is a keyed hash."""

    subject = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveIntegerField()
    first_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "sign-in tries"
        default_permissions = ()
        indexes = [models.Index(fields=["first_at"], name="sign_in_tries_by_age")]

    def __str__(self) -> str:
        return f"{self.tries} since {self.first_at}"
