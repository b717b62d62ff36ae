"""Incidents at the desk: seen by everybody, ended by few, with a reason, and only once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.models import Connection, Incident, QuarantinedFact, Source, TrailEntry
from tests import cast as people
from tests.admin.conftest import incident

pytestmark = pytest.mark.django_db

WHY = {"reason": "Garmin's status page says so.", "ticket": "T-7"}


@pytest.fixture
def open_one(cast: Source) -> Incident:
    return incident(cast, "ada", timezone.now())


def act(name: str, one: Incident) -> str:
    return reverse(f"admin:{name}_incident", args=[one.pk])


def link_of(name: str) -> str:
    return Connection.objects.get(reference_id=f"ref-{name}", integration__provider__slug="oura").standing.link


def test_it_is_shown_on_the_home_page_in_the_list_and_on_the_persons_page(
    open_one: Incident, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    assert "1 of 4 connections broke in one listing" in browser.get("/admin/").content.decode()
    page = browser.get(reverse("admin:incidents")).content.decode()
    assert "1 of 4 working connections as broken or missing" in page
    assert act("release", open_one) not in page, "an agent may look only"
    sentence = "reports this connection as inactive"
    assert sentence in browser.get(reverse("admin:person", args=[people.the("Ada").pk])).content.decode()
    assert sentence not in browser.get(reverse("admin:person", args=[people.the("Ben").pk])).content.decode()


@pytest.mark.parametrize(("name", "link"), [("release", "inactive"), ("discard", "active")])
def test_who_may_ends_it_with_a_reason_and_only_once(
    open_one: Incident, signed_in: Callable[[str], Client], name: str, link: str
) -> None:
    browser = signed_in("lead")
    assert signed_in("agent").post(act(name, open_one), WHY).status_code == 403
    assert "will happen" in browser.get(act(name, open_one)).content.decode()
    assert link_of("ada") == "active", "looking changes nothing"
    assert browser.post(act(name, open_one), {"reason": ""}).status_code == 200
    assert Incident.objects.get().state == "open"

    assert browser.post(act(name, open_one), WHY).status_code == 302

    assert link_of("ada") == link
    assert not QuarantinedFact.objects.exists()
    entry = TrailEntry.objects.get(verb__startswith="incident.")
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-lead", WHY["reason"], "T-7")
    assert "has already ended" in browser.get(act(name, open_one)).content.decode()
    assert "has already ended" in browser.post(act(name, open_one), WHY, follow=True).content.decode()
    assert TrailEntry.objects.filter(verb__startswith="incident.").count() == 1
