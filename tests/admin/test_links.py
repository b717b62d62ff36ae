"""The list of links: found by their status, without their secrets."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.models import ReauthLink, Source


def test_a_links_secret_is_shown_nowhere(records: Source, signed_in: Callable[[str], Client]) -> None:
    ReauthLink.objects.update(secret_hash=b"\xab" * 32)
    link = ReauthLink.objects.get()
    browser = signed_in("everything")
    for address in (
        reverse("admin:scopes_reauthlink_changelist"),
        reverse("admin:scopes_reauthlink_change", args=[link.pk]),
    ):
        page = browser.get(address).content.decode()
        assert "Ben Bitdiddle" in page and "secret" not in page.lower() and "abab" not in page


def test_links_are_found_by_their_status(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")

    def shown(status: str) -> int:
        page = browser.get(reverse("admin:scopes_reauthlink_changelist"), {"status": status})
        return len(page.context["cl"].result_list)

    assert [shown(status) for status in ("live", "fixed", "withdrawn", "expired")] == [1, 0, 0, 0]
    ReauthLink.objects.update(withdrawn_at=timezone.now())
    assert [shown(status) for status in ("live", "fixed", "withdrawn", "expired")] == [0, 0, 1, 0]
