"""The page of an audit shows its findings and changes."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from scopes.models import AuditRun, Source


def test_an_audit_run_shows_its_findings_and_changes(records: Source, signed_in: Callable[[str], Client]) -> None:
    run = AuditRun.objects.get()
    page = signed_in("viewer").get(reverse("admin:scopes_auditrun_change", args=[run.pk])).content.decode()
    assert "<strong>1</strong> connection is blocked" in page
    assert "<strong>+2</strong> connections" in page
