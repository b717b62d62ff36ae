"""Filters of the list of connections that agents have saved."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class SavedFilter(models.Model):
    """What is chosen in the list of connections, under a name. Without an owner it is shared with everyone.

    `query` is the list's query string without a page. `author` is the user name of who saved it last.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000)
    author = models.CharField(max_length=150)
    saved_at = models.DateTimeField()

    class Meta:
        permissions = [("share_filter", "Can share a saved filter, and remove shared ones")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_filter_once_per_name", nulls_distinct=False),
            models.CheckConstraint(condition=~Q(name="") & ~Q(query=""), name="saved_filter_has_a_name_and_a_filter"),
        ]

    def __str__(self) -> str:
        return self.name
