"""The list of connections as a CSV file: what it holds, and that it is recorded who took it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from scopes.facts import ConsentGiven
from scopes.models import Source, TrailEntry
from tests import cast as people
from tests.admin.reading import words_of, written

WHY = {"reason": "For the letter to those who are blocked.", "ticket": "T-7"}


def exported(browser: Client, query: str = "") -> list[dict[str, str]]:
    response = browser.post(reverse("admin:export_connections") + query, WHY)
    assert response.status_code == 200 and response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_file_holds_what_the_filters_leave_and_no_name(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("lead")
    (row,) = exported(browser, "?health=blocked")
    assert row == {
        "connection": str(people.connection_of("Ben").pk), "reference_id": "ref-ben", "source": "terra:prod",
        "provider": "oura", "user_id": "ben-oura", "health": "blocked", "link_helps": "yes", "reason": "",
        "missing": "heartrate=declined", "consented_at": "2026-03-01T12:00:00+00:00",
        "first_seen_at": row["first_seen_at"],
    }  # fmt: skip
    everything = exported(browser)
    assert len(everything) == 7
    assert "Bitdiddle" not in str(everything) and "@example.com" not in str(everything)


def test_a_reference_id_is_no_formula(cast: Source, signed_in: Callable[[str], Client]) -> None:
    people.take_in(ConsentGiven("oura", "=HYPERLINK()", people.CONSENTED, reference_id="@SUM(A1)"))
    found = [row for row in exported(signed_in("lead")) if row["user_id"].endswith("HYPERLINK()")]
    assert [(row["user_id"], row["reference_id"]) for row in found] == [("'=HYPERLINK()", "'@SUM(A1)")]


def test_it_is_recorded_who_took_which_list_and_whom_it_names(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("lead")
    page = words_of(browser.get(reverse("admin:export_connections") + "?health=broken").text)
    assert "You download 2 connections" in page
    assert browser.post(reverse("admin:export_connections"), {"reason": ""}).status_code == 200
    assert not TrailEntry.objects.filter(verb="connections.exported").exists() and written() == set()
    exported(browser, "?health=broken")
    entry = TrailEntry.objects.get(verb="connections.exported")
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-lead", WHY["reason"], "T-7")
    assert entry.detail == {"connections": 2, "filters": {"health": "broken"}}
    assert written() == {people.the("Cy").pk, people.the("Eve").pk}
