"""Lists of records end at the newest, and nobody changes a record."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from scopes.admin import read_only
from scopes.models import Delivery, Source
from tests.admin.every_screen import SCREENS, address


def test_a_list_of_records_ends_where_it_says_and_counts_no_further(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_only, "NEWEST", 60)
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(source=cast, digest=uuid4(), kind="auth", signed_at=now, received_at=now) for _ in range(130)
    )
    browser = signed_in("engineer")
    with CaptureQueriesContext(connection) as asked:
        page = browser.get(reverse("admin:scopes_delivery_changelist"))
    assert page.context["cl"].paginator.num_pages == 2
    assert "the newest 60. Use filters to find older ones." in page.content.decode()
    counts = [one["sql"] for one in asked if "COUNT(" in one["sql"]]
    assert counts and all("LIMIT 61" in sql for sql in counts)
    assert browser.get(reverse("admin:scopes_delivery_changelist"), {"p": "3"}).status_code == 302


def test_records_cannot_be_changed(everything: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("everything")
    for screen in SCREENS:
        if screen.startswith("scopes_"):
            assert browser.post(address(screen), {"kind": "made up"}).status_code == 405, screen
    for way in ("add/", f"{Delivery.objects.first().pk}/delete/", f"{Delivery.objects.first().pk}/change/"):  # type: ignore[union-attr]
        assert browser.get(f"/admin/scopes/delivery/{way}").status_code in (302, 404)
    assert Delivery.objects.filter(kind="made up").count() == 0
