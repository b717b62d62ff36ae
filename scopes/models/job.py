"""Failures of jobs, and the rate limits of sources."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class JobFailure(models.Model):
    """Why a job's last attempt failed. `job` is its id in the queue, which deletes it once it is done."""

    job = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    words = models.TextField()

    class Meta:
        permissions = [("retry_job", "Can retry a failed job")]
        constraints = [models.CheckConstraint(condition=~Q(words=""), name="job_failure_says_why")]

    def __str__(self) -> str:
        return f"failure of job {self.job}"


class RequestBudget(models.Model):
    """When the next request to a source is allowed, for all processes. `key` is the source's."""

    key = models.CharField(max_length=80, primary_key=True)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"budget of {self.key}"
