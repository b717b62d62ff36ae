"""The audits: the list with its chart, and the report of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.audit.compare import compare
from scopes.audit.count import count
from scopes.facts import LinkChanged, LinkState
from scopes.models import AuditRun, Source
from tests import cast as people
from tests.admin.conftest import night
from tests.admin.reading import words_of


def report(browser: Client, run: AuditRun) -> str:
    return words_of(browser.get(reverse("admin:scopes_auditrun_change", args=[run.pk])).text)


def test_an_audit_shows_its_findings_and_totals(records: Source, signed_in: Callable[[str], Client]) -> None:
    page = report(signed_in("viewer"), AuditRun.objects.get())
    assert "1 connection is blocked" in page
    assert "Connections 8 +2" in page
    assert "This is the first audit." in page and "{" not in page


def test_a_report_says_what_changed_by_provider_and_reason(cast: Source, signed_in: Callable[[str], Client]) -> None:
    now = timezone.now()
    before = AuditRun.objects.create(started_at=now, finished_at=now, state="done", counts=count(now))
    people.take_in(LinkChanged("oura", "ada-oura", LinkState.REVOKED, people.NOW))
    counts, later = count(now), now + timedelta(days=1)
    run = AuditRun.objects.create(
        started_at=later, finished_at=later, state="done", counts=counts, changes=compare(before.counts, counts)
    )
    page = report(signed_in("viewer"), run)
    assert "oura terra:prod Broken +1 2" in page
    assert "oura terra:prod OK -1 1" in page
    assert "terra:prod All" not in page and "oura -1 1 0 1 +1 2 0" in page.replace("  ", " ")


def test_the_list_draws_the_last_90_nights(cast: Source, signed_in: Callable[[str], Client]) -> None:
    now = timezone.now()
    browser, address = signed_in("viewer"), reverse("admin:scopes_auditrun_changelist")
    assert "90 nights" not in browser.get(address).text
    night(cast, now - timedelta(days=80), blocked=7, broken=20)
    night(cast, now, blocked=90, broken=20)
    page = browser.get(address)
    assert "The last 90 nights" in page.text and page.text.count("<path") == 3
    assert [one.blocked for one in page.context["chart"].nights] == [7, 90]
