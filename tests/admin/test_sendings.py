"""Sendings at the desk: by state and endpoint, page by page, and one that failed sent again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from scopes.models import Endpoint, Sending, Source, TrailEntry
from scopes.outbox.writing import NewEvent, write
from tests import cast as people
from tests.admin.reading import queries
from tests.outbox.receiving import endpoint

pytestmark = pytest.mark.django_db

WHY = {"reason": "Their receiver was down.", "ticket": ""}
LIST = "/admin/sendings/"


def happen(number: int) -> None:
    write([NewEvent("audit.finished", f"key-{n}", {}) for n in range(number)], people.NOW)


def test_they_are_listed_by_state_and_endpoint(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("engineer")
    endpoint("other")
    happen(1)
    failed, other = Sending.objects.get(state="failed"), Endpoint.objects.get(name="other")

    def shown(query: str) -> tuple[int, bool]:
        page = browser.get(LIST + query).content.decode()
        return page.count("<td>key-0</td>"), reverse("admin:replay_sending", args=[failed.pk]) in page

    assert shown("") == (2, True)
    assert shown("?state=failed") == (0, True)
    assert shown("?state=waiting") == (2, False)
    assert shown(f"?endpoint={other.pk}") == (1, False)
    assert shown("?state=asleep&endpoint=x&before=%C2%B2") == (2, True)


def test_pages_go_on_by_id_and_ask_as_much_for_fifty_as_for_two(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("engineer")
    endpoint()
    happen(2)
    few = queries(browser, LIST)
    happen(60)
    assert queries(browser, LIST) == few
    page = browser.get(LIST).content.decode()
    last = Sending.objects.order_by("-pk")[49].pk
    assert f"before={last}" in page
    older = browser.get(f"{LIST}?before={last}").content.decode()
    assert older.count("audit.finished") == 12


def test_one_that_failed_is_sent_again_once(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser, row = signed_in("engineer"), Sending.objects.get()
    address = reverse("admin:replay_sending", args=[row.pk])
    assert "will happen" in browser.get(address).content.decode()

    assert browser.post(address, WHY).status_code == 302

    row.refresh_from_db()
    assert (row.state, row.attempts, row.ended_at) == ("waiting", 0, None)
    assert TrailEntry.objects.get(verb="endpoint.replayed").reason == WHY["reason"]
    assert browser.post(address, WHY).status_code == 409
    assert signed_in("lead").get(address).status_code == 403
