"""What engineers are asked to change, and who has it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Escalation(models.Model):
    """A request to engineers about one integration, with its text as it was then.

    `what` is `scope=reason`, or the reason of a broken link. There is one open escalation of it in an integration: the
    next agent sees that it is there. `connection` is one that shows it. `engineer` has taken it, `answer` ends it.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        TAKEN = "taken", "In progress"
        DONE = "done", "Done"
        DECLINED = "declined", "Declined"

    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="escalations")
    connection = models.ForeignKey("scopes.Connection", models.SET_NULL, null=True, blank=True, related_name="+")
    what = models.CharField(max_length=300)
    title = models.CharField(max_length=300)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    author = models.CharField(max_length=150)
    reason = models.TextField()
    ticket = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()
    engineer = models.CharField(max_length=150, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("escalate", "Can escalate to engineering"),
            ("answer_escalation", "Can take an escalation, and answer it"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "what"],
                condition=Q(ended_at__isnull=True),
                name="one_open_escalation_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "taken"], ended_at__isnull=True, answer="")
                | (Q(state__in=["done", "declined"], ended_at__isnull=False) & ~Q(answer="")),
                name="escalation_is_open_or_answered",
            ),
            models.CheckConstraint(
                condition=Q(state="open", engineer="", taken_at__isnull=True)
                | (~Q(state="open") & ~Q(engineer="") & Q(taken_at__isnull=False)),
                name="escalation_that_is_not_open_is_somebodys",
            ),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(text=""), name="escalation_says_what_and_why"),
        ]

    def __str__(self) -> str:
        return self.title
