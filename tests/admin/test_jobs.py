"""The screen of deferred work: what it says of the queue, and how a failed job is tried again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import queue
from scopes.models import TrailEntry
from tests.admin.conftest import failed_job

pytestmark = pytest.mark.django_db

WHY = {"reason": "Terra is back.", "ticket": "SUP-7"}


def shown(engineer: Client) -> str:
    return " ".join(engineer.get(reverse("admin:jobs")).content.decode().split())


def test_it_says_what_failed_and_why_and_that_no_worker_runs(engineer: Client) -> None:
    failed_job(timezone.now())
    queue.defer("stalled_jobs")

    page = shown(engineer)

    assert "No worker is running" in page and "1 job waiting, 1 of them" in page
    assert "Pending deliveries" in page and "SourceUnavailable: Terra answered 502" in page and "12×" in page


def test_it_says_that_workers_live(engineer: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert "1 worker running." in shown(engineer)


def test_a_long_list_of_ids_is_shown_by_its_length(engineer: Client) -> None:
    failed_job(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("""UPDATE procrastinate_jobs SET args = '{"connections": [1, 2, 3], "source": 4}'""")
    assert "(source 4, 3 connections)" in shown(engineer)


def test_a_failed_job_is_tried_again_by_a_post_with_a_reason_and_is_in_the_trail(engineer: Client) -> None:
    pk = failed_job(timezone.now())
    address = reverse("admin:retry_job", args=[pk])

    assert "No worker is running" in engineer.get(address).content.decode()
    assert engineer.post(address, {"reason": ""}).status_code == 200
    assert queue.counts().failed == 1
    assert engineer.post(address, WHY)["Location"] == reverse("admin:jobs")

    assert queue.counts() == queue.Counts(waiting=1, due=1, doing=0, failed=0)
    entry = TrailEntry.objects.get(verb="job.retried")
    assert (entry.actor_name, entry.subject, entry.reason, entry.ticket) == (
        "agent-engineer",
        f"job {pk}",
        "Terra is back.",
        "SUP-7",
    )


def test_a_job_that_has_not_failed_any_more_is_left_alone(engineer: Client) -> None:
    pk = failed_job(timezone.now())
    address = reverse("admin:retry_job", args=[pk])
    engineer.post(address, WHY)

    again = engineer.post(address, WHY)

    assert again.status_code == 409 and "is not among the failed ones" in again.content.decode()
    assert TrailEntry.objects.filter(verb="job.retried").count() == 1


def test_who_may_look_may_not_retry(signed_in: Callable[[str], Client]) -> None:
    address = reverse("admin:retry_job", args=[failed_job(timezone.now())])
    assert signed_in("lead").post(address, WHY).status_code == 403
    assert queue.counts().failed == 1
