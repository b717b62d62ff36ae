"""The deferred work: whether somebody does it, what failed, and the act of having that tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes import queue
from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.models import JobFailure
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

LOOK = "scopes.view_jobfailure"
NEWEST = 100


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed job, and why it failed, where that is known."""

    job: queue.FailedJob
    failure: JobFailure | None

    @property
    def title(self) -> str:
        return _title(self.job)

    @property
    def about(self) -> str:
        return _about(self.job.arguments)


@desk.screen("jobs/", "jobs", LOOK)
def jobs(request: HttpRequest) -> HttpResponseBase:
    """How the queue is doing, and the jobs that failed, the newest first."""
    dead = queue.failed(NEWEST)
    why = JobFailure.objects.in_bulk([job.pk for job in dead])
    return desk.page(
        request,
        "admin/jobs.html",
        gettext("Jobs"),
        workers=queue.workers_alive(),
        counts=queue.counts(),
        failed=[Failed(job, why.get(job.pk)) for job in dead],
    )


@desk.screen("jobs/<int:pk>/retry/", "retry_job", LOOK, "scopes.retry_job", methods=ACT)
def retry(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what will happen; by POST, have the job tried once more."""
    job = queue.failed_job(pk)
    trouble = "" if job else str(queue.NotFailed(pk))
    form = Why(request.POST or None)
    if job and request.method == "POST" and form.is_valid():
        try:
            _try_again(job, form.act_of(request))
        except queue.QueueError as problem:
            trouble = str(problem)
        else:
            messages.success(request, gettext("Job %(pk)s is queued again.") % {"pk": pk})
            return redirect("admin:jobs")
    return act_page(
        request,
        gettext("Retry job %(pk)s") % {"pk": pk},
        about=gettext("Jobs"),
        back=reverse("admin:jobs"),
        will=_will(job) if job else (),
        form=form if job and not trouble else None,
        submit=gettext("Retry"),
        trouble=trouble,
    )


@in_transaction
def _try_again(job: queue.FailedJob, act: Act) -> None:
    now = timezone.now()
    queue.try_again(job.pk, now)
    act.entry(
        "job.retried",
        now,
        subject=f"job {job.pk}",
        detail={"name": job.name, "attempts": job.attempts},
    ).save()


def _will(job: queue.FailedJob) -> list[str]:
    about = f" ({_about(job.arguments)})" if job.arguments else ""
    soon = gettext("A worker runs it as soon as one is free.")
    tonight = gettext("No worker is running, so the next nightly audit runs it.")
    again = (
        gettext("It may have run already and would run twice: check first.")
        if job.uncertain
        else gettext("Nothing is done twice.")
    )
    return [
        gettext("“%(title)s”%(about)s runs again from the start. %(again)s")
        % {"title": _title(job), "about": about, "again": again},
        soon if queue.workers_alive() else tonight,
        gettext("If it fails again, it is listed here again."),
    ]


def _title(job: queue.FailedJob) -> str:
    return job.name.replace("_", " ").capitalize()


def _about(arguments: dict[str, Any]) -> str:
    """What it was about, without a list of 500 ids."""
    return ", ".join(
        f"{len(value):,} {name}" if isinstance(value, list) else f"{name} {value}" for name, value in arguments.items()
    )
