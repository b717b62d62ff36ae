"""The nightly runs: the list with the chart of the last 90 nights, and each as a report to read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin import chart
from scopes.admin.audit_report import report_of
from scopes.admin.lookups import READ, takes
from scopes.admin.read_only import Records
from scopes.admin.site import desk
from scopes.admin.tags import chip, thousands, when
from scopes.audit.compare import SEPARATOR
from scopes.audit.nights import A_QUARTER, nights
from scopes.audit.report import Finding
from scopes.models import AuditRun
from scopes.reasons import HEALTHS, Health


@admin.register(AuditRun, site=desk)
class Audits(Records):
    """The list of audit runs."""

    heading = _("Audits")
    explanation = _("Every night all connections are listed, checked and counted. These are the results.")
    list_display = ("began", "state_chip", "took", "connections", "blocked", "broken", "findings_count", "exit_code")
    list_filter = ("state", "offline")
    ordering = ("-started_at",)
    fields = ("began",)
    change_list_template = "admin/audits/list.html"
    change_form_template = "admin/audits/report.html"

    @takes(*READ)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "chart": _chart(timezone.now())})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        run = self.get_object(request, unquote(object_id))
        context = {**(extra_context or {}), **(_report(run) if run else {})}
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description=_("Started"))
    def began(self, run: AuditRun) -> SafeString:
        return when(run.started_at)

    @admin.display(description=_("State"))
    def state_chip(self, run: AuditRun) -> SafeString:
        return _state(run)

    @admin.display(description=_("Took"))
    def took(self, run: AuditRun) -> str:
        return _took(run)

    @admin.display(description=_("Connections"))
    def connections(self, run: AuditRun) -> str:
        counted = run.counts.get("connections")
        return thousands(counted) if isinstance(counted, int) else "—"

    @admin.display(description=_("Blocked"))
    def blocked(self, run: AuditRun) -> str:
        return _with_change(run, Health.BLOCKED)

    @admin.display(description=_("Broken"))
    def broken(self, run: AuditRun) -> str:
        return _with_change(run, Health.BROKEN)

    @admin.display(description=_("Findings"))
    def findings_count(self, run: AuditRun) -> int:
        return len(run.findings)


def _report(run: AuditRun) -> dict[str, Any]:
    done = AuditRun.objects.filter(state=AuditRun.State.DONE, started_at__lt=run.started_at)
    return {
        "report": report_of(run.counts, run.changes),
        "findings": [Finding(one["code"], one["number"], one["detail"]) for one in run.findings],
        "before": done.defer("counts", "changes", "findings").order_by("-started_at").first(),
        "took": _took(run),
        "state": _state(run),
        "healths": [health.value for health in HEALTHS],
        "chart": _chart(run.finished_at or run.started_at),
    }


def _chart(until: datetime) -> chart.Chart | None:
    """The last 90 nights of production, or of the other environments where there is no production."""
    counted = nights(until, A_QUARTER)
    return chart.of_nights(counted[True] or counted[False], until.date(), A_QUARTER)


def _state(run: AuditRun) -> SafeString:
    tone, symbol = {"done": ("good", "check"), "failed": ("bad", "cross")}.get(run.state, ("wait", "clock"))
    return chip(run.get_state_display(), tone, symbol)


def _took(run: AuditRun) -> str:
    if run.finished_at is None:
        return gettext("not finished yet")
    return str(timedelta(seconds=round((run.finished_at - run.started_at).total_seconds())))


def _with_change(run: AuditRun, health: Health) -> str:
    """How many connections have this health in production and elsewhere, and the change since the run before."""
    sources = run.counts.get("sources", {})
    if not sources:
        return "—"
    number = sum(source["health"].get(health, 0) for source in sources.values())
    change = sum(run.changes.get(SEPARATOR.join(("sources", key, "health", health)), 0) for key in sources)
    return f"{number:,} ({change:+,})" if change else f"{number:,}"
