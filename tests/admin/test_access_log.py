"""Whoever a screen shows, by whatever method, is written down: walked over all screens, and over all methods."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.admin import page_views
from scopes.admin.screens import desk
from scopes.models import Connection, Person, Source, TrailEntry
from tests import cast as people
from tests.admin.test_roles import ELSEWHERE, SCREENS, _patterns, address, everything

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")

__all__ = ["everything"]


def written() -> set[int]:
    """The people whom the access log names."""
    entries = TrailEntry.objects.filter(verb__in=page_views.VERBS)
    return {pk for entry in entries for pk in [entry.person_id, *entry.detail.get("people", [])] if pk}


def shown_in(page: str) -> set[int]:
    return {
        person.pk
        for person in Person.objects.all()
        if any(word and word in page for word in (person.name, person.email, person.reference_id))
    }


@pytest.mark.parametrize("method", METHODS)
def test_every_screen_that_shows_somebody_writes_it_down_whatever_the_method(
    everything: Source, signed_in: Callable[[str], Client], method: str
) -> None:
    browser = signed_in("everything")
    people.the("Ada")
    TrailEntry.objects.filter(verb__in=page_views.VERBS).delete()
    page_views.note(User.objects.get(username="agent-everything"), people.the("Cy"), timezone.now())
    showed = set()
    for screen in SCREENS:
        where = address(screen)
        TrailEntry.objects.filter(verb__in=page_views.VERBS).exclude(person=people.the("Cy")).delete()
        response = browser.generic(method, where, "", content_type="application/x-www-form-urlencoded")
        shown = shown_in(response.content.decode(errors="replace"))
        assert shown <= written(), (screen, response.status_code)
        if shown:
            showed.add(screen)
    if method == "GET":
        lists = {"connections", "scopes_reauthlink_changelist", "scopes_trailentry_changelist", "index", "access_log"}
        assert showed >= {"person", "export_person", "waive", "send_link", "link", "check_now", *lists}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_a_screen_does_not_take_is_405(
    everything: Source, signed_in: Callable[[str], Client], method: str
) -> None:
    browser = signed_in("everything")
    for pattern in _patterns(desk.get_urls()):
        if pattern.name in ELSEWHERE | {None}:
            continue
        takes = getattr(pattern.callback, "methods", ("GET", "HEAD", "POST"))
        if method in takes:
            continue
        response = browser.generic(method, address(pattern.name))
        assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED, pattern.name
        assert set(response.headers["Allow"].split(", ")) == set(takes), pattern.name
    assert not written()


def test_posting_to_a_person_s_page_shows_nobody(everything: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    for where in (address("person"), address("connection")):
        response = browser.post(where)
        assert (response.status_code, response.content) == (405, b"")


def test_an_unclaimed_connection_s_page_is_written_down(everything: Source, signed_in: Callable[[str], Client]) -> None:
    stray = Connection.objects.get(user_id="stray")
    for method in ("HEAD", "GET"):
        TrailEntry.objects.filter(verb=page_views.CONNECTION).delete()
        signed_in("agent").generic(method, reverse("admin:connection", args=[stray.pk]))
        assert TrailEntry.objects.get(verb=page_views.CONNECTION).connection == stray


def test_a_new_screen_is_covered_without_a_word_of_its_own(
    everything: Source, agent: Callable[[str], User], rf: Any
) -> None:
    """Not by its template, not by the desk's page: by what it reads and what stands in its answer."""

    def some(request: HttpRequest) -> HttpResponseBase:
        return desk.page(request, "admin/alone.html", f"{people.the('Ben').email}")

    request = rf.get("/admin/some/")
    request.user = agent("agent")
    desk.admin_view(some)(request)
    assert written() == {people.the("Ben").pk}


def test_a_list_is_written_down_once_in_ten_minutes_and_again_for_others(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    lists = TrailEntry.objects.filter(verb=page_views.LIST, subject="admin:connections")
    for _ in range(3):
        browser.get(reverse("admin:connections"))
    assert lists.count() == 1
    Person.objects.create(reference_id="ref-new", name="Nina New", created_at=timezone.now())
    people.take_in(people.consent("new", "oura", ("daily",)))
    browser.get(reverse("admin:connections"))
    assert lists.count() == 2


def test_auditors_read_who_saw_whom_in_a_list(everything: Source, signed_in: Callable[[str], Client]) -> None:
    signed_in("agent").get(reverse("admin:connections"))
    page = signed_in("auditor").get(reverse("admin:access_log")).text
    assert "admin:connections" in page and " people in a list (records " in page


def test_who_may_not_open_a_screen_is_shown_nobody(everything: Source, signed_in: Callable[[str], Client]) -> None:
    assert signed_in("engineer").get(address("person")).status_code == 403
    assert Client().get(address("person")).status_code == 302
    assert not written()
