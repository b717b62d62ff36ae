"""Whoever a screen shows, by whatever method, is written down: walked over all screens, and over all methods."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import access_log
from scopes.admin.screens import desk
from scopes.models import Connection, Person, Source, TrailEntry
from scopes.models.trail import Act
from tests import cast as people
from tests.admin.every_screen import ELSEWHERE, SCREENS, address, patterns
from tests.admin.reading import written

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


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
    TrailEntry.objects.filter(verb__in=access_log.VERBS).delete()
    access_log.note(Act(User.objects.get(username="agent-everything")), people.the("Cy"), timezone.now())
    showed = set()
    for screen in SCREENS:
        where = address(screen)
        TrailEntry.objects.filter(verb__in=access_log.VERBS).exclude(person=people.the("Cy")).delete()
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
    for pattern in patterns(desk.get_urls()):
        if pattern.name in ELSEWHERE | {None}:
            continue
        takes = getattr(pattern.callback, "methods", ("GET", "HEAD", "POST"))
        if method in takes:
            continue
        response = browser.generic(method, address(pattern.name))
        assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED, pattern.name
        assert set(response.headers["Allow"].split(", ")) == set(takes), pattern.name
    assert not written()


def test_posting_to_a_person_s_page_shows_no_person(everything: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    for where in (address("person"), address("connection")):
        response = browser.post(where)
        assert (response.status_code, response.content) == (405, b"")


def test_an_unclaimed_connection_s_page_is_written_down(everything: Source, signed_in: Callable[[str], Client]) -> None:
    stray = Connection.objects.get(user_id="stray")
    for method in ("HEAD", "GET"):
        TrailEntry.objects.filter(verb=access_log.CONNECTION).delete()
        signed_in("agent").generic(method, reverse("admin:connection", args=[stray.pk]))
        assert TrailEntry.objects.get(verb=access_log.CONNECTION).connection == stray


def test_a_list_is_written_down_once_in_ten_minutes_and_again_for_others(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    lists = TrailEntry.objects.filter(verb=access_log.LIST, subject="admin:connections")
    for _ in range(3):
        browser.get(reverse("admin:connections"))
    assert lists.count() == 1
    Person.objects.create(reference_id="ref-new", name="Nina New", created_at=timezone.now())
    people.take_in(people.consent("new", "oura", ("daily",)))
    browser.get(reverse("admin:connections"))
    assert lists.count() == 2


def test_opening_a_page_is_written_down_once_in_ten_minutes(
    cast: Source, agent: Callable[[str], User], read: Callable[..., str]
) -> None:
    for _ in range(3):
        read("Ben")
    read("Ben", role="lead")
    read("Cy")
    noted = TrailEntry.objects.filter(verb=access_log.PERSON).order_by("pk")
    assert [(entry.actor_name, entry.subject) for entry in noted] == [
        ("agent-agent", "ref-ben"), ("agent-lead", "ref-ben"), ("agent-agent", "ref-cy"),
    ]  # fmt: skip
    TrailEntry.objects.update(at=timezone.now() - access_log.AGAIN)
    read("Ben")
    assert noted.all().count() == 4
