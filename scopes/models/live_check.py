"""Evidence that is stored next to a connection's periods: answers of live checks, and data that a provider refused.

Neither is judged. The facts that follow from a live check are recorded like all others.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class LiveCheck(models.Model):
    """One question to the source about one connection, and the answer. It waits until it is answered.

    `user_id` is the id that was asked about. `active`, `scopes` and `consented_at` are the source's answer, None when
    it did not report them. `account` is the account's id at the provider, reported by the probe. Checks that were
    requested together share a `batch`.
    """

    class Answer(models.TextChoices):
        KNOWN = "known", "Known"
        UNFINISHED = "unfinished", "Consent never finished"
        NOT_FOUND = "not_found", "No such user"
        DOWN = "down", "No answer"
        CREDENTIAL = "credential", "Our credentials were rejected"
        REFUSED = "refused", "Request refused"

    class Probe(models.TextChoices):
        ANSWERED = "answered", "The provider answered"
        EXPIRED = "expired", "The authorisation has expired"
        NO_PROFILE = "no_profile", "Error (often a missing profile scope)"
        REFUSED = "refused", "Refused"
        DOWN = "down", "No answer"

    connection = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="live_checks", db_index=False)
    user_id = models.CharField(max_length=120)
    author = models.CharField(max_length=150)
    batch = models.UUIDField(null=True, blank=True)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=12, choices=Answer.choices, blank=True)
    active = models.BooleanField(null=True, blank=True)
    scopes = ArrayField(models.CharField(max_length=200), null=True, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    last_data_on = models.DateField(null=True, blank=True)
    probe = models.CharField(max_length=12, choices=Probe.choices, blank=True)
    account = models.CharField(max_length=255, blank=True)
    detail = models.CharField(max_length=400, blank=True)

    class Meta:
        permissions = [("check_connection", "Can check a connection with its source")]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answer="") | (Q(answered_at__isnull=False) & ~Q(answer="")),
                name="live_check_waits_or_is_answered",
            ),
            models.CheckConstraint(condition=~Q(author=""), name="live_check_has_an_author"),
        ]
        indexes = [
            models.Index(fields=["connection", "-id"], name="live_check_of_connection"),
            models.Index(fields=["author", "-asked_at"], name="live_check_by_author"),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="live_check_in_batch"),
            models.Index(fields=["id"], condition=Q(answered_at__isnull=True), name="live_check_waiting"),
        ]

    def __str__(self) -> str:
        return f"live check {self.pk}"


class Refusal(models.Model):
    """The provider refused data of one type for lack of permission: when first and last, and the source's message.

    `data_type` is empty when it was not reported. One row for each connection and type.
    """

    connection = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="refusals", db_index=False)
    data_type = models.CharField(max_length=60, blank=True)
    message = models.CharField(max_length=500)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "data_type"], name="refusal_once_per_kind_of_data"),
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="refusal_is_last_after_first"),
        ]

    def __str__(self) -> str:
        return f"refusal of {self.data_type or 'data'} at connection {self.connection_id}"


class ReportedError(models.Model):
    """An error that the host application met at a connection, as it reported it: what its text proves, and the text.

    It is evidence and changes no verdict. One row for each connection and proof, with the newest text, masked.
    `proves` is an `ErrorVerdict` of `scopes.diagnose`.
    """

    connection = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="reported_errors", db_index=False)
    proves = models.CharField(max_length=30)
    message = models.CharField(max_length=500)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "proves"], name="reported_error_once_per_proof"),
            models.CheckConstraint(condition=~Q(proves=""), name="reported_error_is_diagnosed"),
            models.CheckConstraint(condition=Q(last_at__gte=F("first_at")), name="reported_error_is_last_after_first"),
        ]

    def __str__(self) -> str:
        return f"{self.proves} at connection {self.connection_id}"
