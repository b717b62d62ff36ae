"""The access log: filtered, followed to whom a list showed, and exported; each is recorded itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import access_log as log
from scopes.admin import access_log
from scopes.models import Source, TrailEntry
from scopes.models.trail import Act
from tests import cast as people
from tests.admin.reading import words_of
from tests.api.calls import key_for

ADDRESS = "/admin/access/"


@pytest.fixture
def seen(cast: Source, agent: Callable[[str], User]) -> None:
    """An agent saw Ben today and Ada and Cy in a list; a key saw Ada ten days ago, and was given a token of hers."""
    now, of_key = timezone.now(), Act(None, by="API key app")
    key_for(sources=(cast,))
    log.note(Act(agent("agent")), people.the("Ben"), now)
    log.note_shown(Act(agent("agent")), "admin:connections", [people.the("Ada"), people.the("Cy")], now)
    log.note(of_key, people.the("Ada"), now - timedelta(days=10))
    log.note_token(of_key, people.connection_of("Ada"), now - timedelta(days=10))


def found(browser: Client, **asked: str | int) -> list[tuple[str, str]]:
    page = browser.get(ADDRESS, asked)
    assert page.status_code == 200
    return [(entry.actor_name, entry.verb) for entry, _ in page.context["rows"] if entry.actor_name != "agent-auditor"]


def test_entries_are_found_by_agent_kind_person_and_day(
    seen: None, agent: Callable[[str], User], signed_in: Callable[[str], Client]
) -> None:
    browser, today = signed_in("auditor"), timezone.now().date()
    by_agent = [("agent-agent", log.LIST), ("agent-agent", log.PERSON)]
    by_key = [("API key app", log.TOKEN), ("API key app", log.PERSON)]
    assert found(browser) == by_key + by_agent
    assert found(browser, who=f"agent-{agent('agent').pk}") == by_agent
    assert found(browser, what=log.TOKEN) == by_key[:1]
    assert found(browser, person=people.the("Ada").pk) == [*by_key, by_agent[0]]
    assert found(browser, since=str(today)) == by_agent
    assert found(browser, until=str(today - timedelta(days=10))) == by_key
    assert found(browser, until=str(today - timedelta(days=11))) == []
    (of_key,) = [value for value in access_log._readers() if value.startswith("key-")]
    assert found(browser, who=of_key) == by_key


def test_a_filter_that_is_not_offered_is_not_asked(seen: None, signed_in: Callable[[str], Client]) -> None:
    made_up = {"who": "agent-0", "what": "link.issued", "person": "1 OR 1=1", "since": "0001-01-01", "until": "x"}
    assert len(found(signed_in("auditor"), **made_up, before="-1", after="٣")) == 4


def test_who_was_in_a_list_is_a_click_away(seen: None, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("auditor")
    entry = TrailEntry.objects.get(verb=log.LIST)
    page = browser.get(ADDRESS).text
    assert reverse("admin:person", args=[people.the("Ben").pk]) in page
    assert reverse("admin:access_entry", args=[entry.pk]) in page and "2 people in a list" in words_of(page)
    shown = browser.get(reverse("admin:access_entry", args=[entry.pk])).text
    assert "Ada Lovelace ref-ada" in words_of(shown) and "in Connections" in words_of(shown)
    assert reverse("admin:person", args=[people.the("Cy").pk]) in shown
    opened = TrailEntry.objects.filter(verb=log.PERSON).first()
    assert opened and browser.get(reverse("admin:access_entry", args=[opened.pk])).status_code == 404


def test_the_file_holds_what_the_filters_leave_and_is_recorded(
    seen: None, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "BATCH", 2)
    browser, address = signed_in("auditor"), reverse("admin:export_access_log")
    assert browser.post(address, {"reason": ""}).status_code == 200
    assert not TrailEntry.objects.filter(verb="access_log.exported").exists()
    response = browser.post(f"{address}?person={people.the('Ada').pk}", {"reason": "She asked who saw her."})
    text = b"".join(response).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["by"], row["viewed"], row["page_or_reference"]) for row in rows] == [
        ("API key app", "An access token", "ref-ada"),
        ("API key app", "A person’s page", "ref-ada"),
        ("agent-agent", "People in a list or file", "admin:connections"),
    ]
    assert rows[2]["people_records"] == f"{people.the('Ada').pk} {people.the('Cy').pk}"
    entry = TrailEntry.objects.get(verb="access_log.exported")
    assert entry.detail == {"filters": {"person": str(people.the("Ada").pk)}}
    assert entry.reason == "She asked who saw her."
    by_file = TrailEntry.objects.filter(subject="admin:export_access_log")
    assert [entry.detail for entry in by_file] == [{"people": [people.the("Ada").pk]}]


def test_whom_a_list_showed_is_found_by_an_index(seen: None) -> None:
    chosen = {**dict.fromkeys(access_log.PARAMETERS, ""), "person": "7"}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        plan = access_log._entries(chosen, {}).explain()
    assert "BitmapOr" in plan and "Bitmap Index Scan on trail_of_listed_people" in plan
