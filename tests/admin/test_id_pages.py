"""Pages by falling id: each row on one page, and the same pages on the way back."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.utils import timezone

from scopes.admin import id_pages
from scopes.admin.id_pages import IdPage, page_by_id
from scopes.models import TrailEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def seven(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr(id_pages, "PAGE", 3)
    entries = [TrailEntry.objects.create(at=timezone.now(), verb="looked", actor_name="Vera") for _ in range(7)]
    return [entry.pk for entry in reversed(entries)]


def at(address: str) -> IdPage:
    rows = TrailEntry.objects.filter(verb="looked")
    return page_by_id(RequestFactory().get(f"/{address}"), rows, {"state": "failed", "endpoint": ""})


def test_every_row_is_on_one_page_and_the_way_back_is_the_same(seven: list[int]) -> None:
    first = at("")
    second = at(first.older)
    third = at(second.older)
    assert [[row.pk for row in page.rows] for page in (first, second, third)] == [seven[:3], seven[3:6], seven[6:]]
    assert (first.newest, first.newer, third.older) == ("", "", "")
    assert at(third.newer).rows == second.rows
    back = at(second.newer)
    assert (back.rows, back.newer, back.older) == (first.rows, "", first.older)
    assert second.newest == "?state=failed"


@pytest.mark.parametrize("text", ["", "x", "-1", "٣", "9" * 18])
def test_what_is_no_id_is_the_first_page(seven: list[int], text: str) -> None:
    assert [row.pk for row in at(f"?before={text}").rows] == seven[:3]
