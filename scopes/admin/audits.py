"""The nightly runs: what each counted, and what changed since the one before."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.read_only import Records
from scopes.admin.site import desk
from scopes.admin.tags import chip, pretty, thousands, when
from scopes.audit.report import Finding
from scopes.models import AuditRun


@admin.register(AuditRun, site=desk)
class Audits(Records):
    """The list of audit runs."""

    heading = _("Audits")
    explanation = _("Every night all connections are listed, checked and counted. These are the results.")
    list_display = ("began", "state_chip", "took", "connections", "changes_count", "exit_code")
    list_filter = ("state", "offline")
    ordering = ("-started_at",)
    fields = (
        "began", "ended", "state_chip", "step", "way", "resumed", "exit_code", "error", "found", "changed",
        "counted",
    )  # fmt: skip

    @admin.display(description=_("Started"))
    def began(self, run: AuditRun) -> SafeString:
        return when(run.started_at)

    @admin.display(description=_("Finished"))
    def ended(self, run: AuditRun) -> SafeString:
        return when(run.finished_at, gettext("not yet"))

    @admin.display(description=_("State"))
    def state_chip(self, run: AuditRun) -> SafeString:
        tone, symbol = {"done": ("good", "check"), "failed": ("bad", "cross")}.get(run.state, ("wait", "clock"))
        return chip(run.get_state_display(), tone, symbol)

    @admin.display(description=_("Sources listed"))
    def way(self, run: AuditRun) -> str:
        return gettext("No, offline") if run.offline else gettext("Yes")

    @admin.display(description=_("Took"))
    def took(self, run: AuditRun) -> str:
        if run.finished_at is None:
            return "—"
        whole = run.finished_at - run.started_at
        return str(timedelta(seconds=round(whole.total_seconds())))

    @admin.display(description=_("Connections"))
    def connections(self, run: AuditRun) -> str:
        counted = run.counts.get("connections")
        return thousands(counted) if isinstance(counted, int) else "—"

    @admin.display(description=_("Changes"))
    def changes_count(self, run: AuditRun) -> int:
        return len(run.changes)

    @admin.display(description=_("Changes since the previous audit"))
    def changed(self, run: AuditRun) -> SafeString | str:
        numbers = {key: value for key, value in run.changes.items() if isinstance(value, int)}
        if not numbers:
            return gettext("None.")
        rows = format_html_join("", "<li><strong>{}</strong> {}</li>", ((f"{v:+,}", k) for k, v in numbers.items()))
        return format_html("<ul>{}</ul>", rows)

    @admin.display(description=_("Counted"))
    def counted(self, run: AuditRun) -> SafeString:
        return format_html('<pre tabindex="0">{}</pre>', pretty(run.counts))

    @admin.display(description=_("Findings"))
    def found(self, run: AuditRun) -> SafeString | str:
        findings = [Finding(one["code"], one["number"], one["detail"]) for one in run.findings]
        rows = ((f"{one.number:,}", one.words, f" ({one.detail})" if one.detail else "") for one in findings)
        lines = format_html_join("", "<li><strong>{}</strong> {}{}</li>", rows)
        return format_html("<ul>{}</ul>", lines) if lines else gettext("None.")
