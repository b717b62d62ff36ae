"""Attempts to give consent, and the reauth links that we send for them."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from scopes.models.arrays import among


class ReauthLink(models.Model):
    """Our own URL for one person and one integration. Only hashes of its secrets are stored.

    `secret_hash` is of the newest secret. `earlier_secret_hashes` are of those that still work: each message has a
    secret of its own, and a reminder does not end the address that an earlier mail brought.

    The provider's short-lived URL is made when the person presses the button. A person has one live link for an
    integration. It ends early only when it is `fixed`, withdrawn or replaced by a newer link: after any other outcome
    the person may try again. `needs` are the keys of the needs that it is meant to fix, and `*` for a connection that
    works at all. `resource` is the provider's name to request at the source if the connection has none; empty when
    there was no choice.
    """

    class Outcome(models.TextChoices):
        FIXED = "fixed", "Fixed"
        PARTLY = "partly", "Partly fixed"
        UNCHANGED = "unchanged", "Unchanged"
        WRONG_ACCOUNT = "wrong_account", "Wrong account"
        FAILED = "failed", "Failed"

    public_id = models.CharField(max_length=22, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    earlier_secret_hashes = ArrayField(models.BinaryField(max_length=32), default=list, db_default=[], blank=True)
    person = models.ForeignKey("scopes.Person", models.PROTECT, related_name="reauth_links")
    integration = models.ForeignKey("scopes.Integration", models.PROTECT, related_name="reauth_links")
    connection = models.ForeignKey(
        "scopes.Connection", models.SET_NULL, null=True, blank=True, related_name="reauth_links"
    )
    author = models.CharField(max_length=150)
    reason = models.TextField()
    ticket = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=10, default="en")
    resource = models.CharField(max_length=255, blank=True, default="", db_default="")
    needs = ArrayField(models.CharField(max_length=400), default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    redirected_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="supersedes")
    outcome = models.CharField(max_length=15, choices=Outcome.choices, blank=True)
    outcome_detail = models.CharField(max_length=200, blank=True)

    class Meta:
        permissions = [
            ("send_reauth_link", "Can send a reauth link"),
            ("withdraw_reauth_link", "Can withdraw a reauth link"),
            ("override_preflight", "Can send a reauth link that the preflight advises against"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "integration"],
                condition=Q(withdrawn_at__isnull=True, superseded_by__isnull=True) & ~Q(outcome="fixed"),
                name="one_live_link_per_person_and_integration",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="link_expires_after_it_began"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, outcome="") | (Q(settled_at__isnull=False) & ~Q(outcome="")),
                name="a_settled_link_has_an_outcome",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="link_has_a_reason"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="link_by_expiry")]

    def __str__(self) -> str:
        return self.public_id


class Attempt(models.Model):
    """One try at consent. `user_id` is the id minted for it; `result` is the source's own word for a failure.

    `claimed_at` is when somebody began to finish it in the callback, which works once. Until then `verifier` is the
    PKCE code verifier. `requested` are the scopes that were asked for, None where the source does not take them from
    us. `browser` is a hash of what the browser that pressed keeps as a cookie; None where none is needed.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        ABANDONED = "abandoned", "Abandoned"

    source = models.ForeignKey("scopes.Source", models.PROTECT, related_name="attempts")
    person = models.ForeignKey("scopes.Person", models.PROTECT, null=True, blank=True, related_name="attempts")
    reference_id = models.CharField(max_length=255, blank=True)
    provider = models.ForeignKey("scopes.Provider", models.PROTECT, null=True, blank=True, related_name="attempts")
    link = models.ForeignKey(ReauthLink, models.PROTECT, null=True, blank=True, related_name="attempts")
    connection = models.ForeignKey("scopes.Connection", models.SET_NULL, null=True, blank=True, related_name="attempts")
    key = models.CharField(max_length=40, unique=True)
    user_id = models.CharField(max_length=120, blank=True)
    session_id = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    result = models.CharField(max_length=200, blank=True)
    message = models.CharField(max_length=500, blank=True)
    returned = models.JSONField(null=True, blank=True)
    requested = ArrayField(models.CharField(max_length=200), null=True, blank=True)
    verifier = models.CharField(max_length=128, blank=True, default="", db_default="")
    browser = models.BinaryField(max_length=32, null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True) | (~Q(state="open") & Q(ended_at__isnull=False)),
                name="attempt_is_open_or_ended",
            )
        ]
        indexes = [
            models.Index(fields=["started_at"], condition=Q(state="open"), name="attempt_open"),
            models.Index(
                fields=["started_at"],
                condition=Q(state="succeeded", link__isnull=False),
                name="attempt_succeeded",
            ),
            models.Index(fields=["user_id"], condition=~Q(user_id=""), name="attempt_by_user_id"),
            models.Index(fields=["session_id"], condition=~Q(session_id=""), name="attempt_by_session"),
            models.Index(fields=["reference_id"], condition=~Q(reference_id=""), name="attempt_by_reference"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.pk}"

    @classmethod
    def minted_for(cls, user_ids: Iterable[str]) -> models.QuerySet[Attempt]:
        """The attempts with one of our links for which the source made these ids."""
        # The index has no empty ids, and PostgreSQL cannot see that a long array contains none.
        return among(cls.objects.filter(link__isnull=False).exclude(user_id=""), "user_id", user_ids)
