"""The activity log and the access log: each shows its own entries, to those who may read them."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from scopes.models import Source
from tests.admin.reading import words_of


def test_only_the_auditor_sees_who_opened_whose_page(
    cast: Source, signed_in: Callable[[str], Client], read: Callable[..., str]
) -> None:
    read("Ben", role="viewer")
    assert "Viewed this page" not in read("Ben", role="lead")
    assert "Viewed this page by agent-viewer" in read("Ben", role="auditor")
    log = words_of(signed_in("auditor").get("/admin/access/").content.decode())
    assert "agent-viewer Ben Bitdiddle ref-ben" in log
    trail = words_of(signed_in("auditor").get("/admin/scopes/trailentry/").content.decode())
    assert "agent-viewer" not in trail
