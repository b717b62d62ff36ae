"""Filters are saved for oneself or for everyone, and removed by who may."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from scopes.models import SavedFilter, Source, TrailEntry
from tests.admin.reading import words_of

SAVE = "admin:save_filter"
BLOCKED = "?health=blocked&order=newest"


def save(browser: Client, name: str, query: str = BLOCKED, **more: str) -> int:
    response = browser.post(reverse(SAVE) + query, {"name": name, **more})
    assert response.status_code == 403 or response.headers["Location"].startswith(reverse("admin:connections"))
    return response.status_code


def seen_by(browser: Client) -> list[tuple[str, str]]:
    page = browser.get(reverse("admin:connections"))
    return [(one.name, one.query) for one in page.context["saved"]]


def test_what_one_saves_one_sees_and_no_one_else(cast: Source, signed_in: Callable[[str], Client]) -> None:
    agent, lead = signed_in("agent"), signed_in("lead")
    save(agent, "To send")
    assert seen_by(agent) == [("To send", "health=blocked&order=newest")] and seen_by(lead) == []
    save(agent, "To send", "?health=broken")
    assert seen_by(agent) == [("To send", "health=broken")]
    assert "To send" in words_of(agent.get(reverse("admin:connections")).text)
    assert not TrailEntry.objects.filter(verb__startswith="filter.").exists()


def test_a_lead_shares_a_filter_with_everyone_and_removes_it(cast: Source, signed_in: Callable[[str], Client]) -> None:
    agent, lead = signed_in("agent"), signed_in("lead")
    assert save(agent, "Ours", shared="on") == 403
    save(lead, "Ours", shared="on")
    save(agent, "Mine")
    assert [name for name, _ in seen_by(agent)] == ["Mine", "Ours"]
    shared = reverse("admin:remove_filter", args=[SavedFilter.objects.get(name="Ours").pk])
    assert agent.post(shared).status_code == 404
    assert lead.post(reverse("admin:remove_filter", args=[SavedFilter.objects.get(name="Mine").pk])).status_code == 404
    assert lead.post(shared).status_code == 302
    assert [name for name, _ in seen_by(agent)] == ["Mine"]
    done = TrailEntry.objects.filter(verb__startswith="filter.").values_list("verb", "actor_name", "subject")
    assert list(done) == [("filter.shared", "agent-lead", "Ours"), ("filter.removed", "agent-lead", "Ours")]


@pytest.mark.parametrize(("name", "query"), [("", BLOCKED), (" ", BLOCKED), ("x" * 61, BLOCKED), ("All", "?health=x")])
def test_without_a_name_or_a_filter_nothing_is_saved(
    cast: Source, signed_in: Callable[[str], Client], name: str, query: str
) -> None:
    browser = signed_in("agent")
    save(browser, name, query)
    assert not SavedFilter.objects.exists()
    assert "Not saved" in words_of(browser.get(reverse("admin:connections")).text)
