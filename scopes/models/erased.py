"""What remains of an erased id: enough to recognise it, not enough to read it."""

from __future__ import annotations

from django.db import models


class ErasedId(models.Model):
    """A keyed hash of a reference id or a source's id that was erased here, and the day. The key is not stored."""

    digest = models.CharField(max_length=64, primary_key=True)
    erased_on = models.DateField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"erased on {self.erased_on}"
