"""Endpoints at the desk: made by engineers, each act with a reason, the secret shown once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from scopes.models import Endpoint, Sending, Source, TrailEntry
from scopes.outbox import signing
from tests.outbox.receiving import endpoint

pytestmark = pytest.mark.django_db

WHY = {"reason": "The host wants to know.", "ticket": "T-7"}
NEW = {**WHY, "name": "host", "url": "https://host.example/hook"}
NEW_PAGE = "/admin/endpoints/new/"


def text(response: Any) -> str:
    return str(response.content.decode())


def act(deed: str, one: Endpoint) -> str:
    return reverse("admin:change_endpoint", args=[one.pk, deed])


def test_an_endpoint_is_made_and_its_secret_is_shown_once(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("engineer")
    page = text(browser.post(NEW_PAGE, {**NEW, "types": ["connection.broken"], "sources": [cast.pk]}))

    made = Endpoint.objects.get()
    secret = signing.secret_of(made, signing.keys_from(settings.SECRET_KEY)[0])
    assert secret in page
    assert (made.types, list(made.sources.all()), made.created_by) == (["connection.broken"], [cast], "agent-engineer")
    listed = text(browser.get(reverse("admin:endpoints")))
    assert "https://host.example/hook" in listed and secret not in listed and "whsec_" not in listed
    entry = TrailEntry.objects.get(verb="endpoint.made")
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-engineer", WHY["reason"], "T-7")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "https://169.254.169.254/latest"}, "inside our network"),
        ({"url": "http://host.example/"}, "begins with https"),
        ({"name": "taken"}, "already"),
        ({"types": ["made.up"]}, "Select a valid choice"),
        ({"reason": ""}, "required"),
    ],
)
def test_what_cannot_be_is_said_beside_the_form(
    cast: Source, signed_in: Callable[[str], Client], change: dict[str, object], words: str
) -> None:
    endpoint("taken")
    response = signed_in("engineer").post(NEW_PAGE, {**NEW, **change})
    assert response.status_code == 200 and words in text(response)
    assert Endpoint.objects.count() == 1


def test_the_secret_is_rotated_and_the_new_one_shown(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser, one = signed_in("engineer"), endpoint()
    address = reverse("admin:rotate_endpoint", args=[one.pk])
    assert "whsec_" not in text(browser.get(address))

    (shown,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", text(browser.post(address, WHY)))

    one.refresh_from_db()
    assert (one.generation, shown) == (2, signing.secret_of(one, signing.keys_from(settings.SECRET_KEY)[0]))
    assert browser.post(address, WHY).status_code == 409


@pytest.mark.parametrize(
    ("deed", "verb"), [("disable", "endpoint.disabled"), ("test", "endpoint.tested"), ("replay", "endpoint.replayed")]
)
def test_each_act_shows_what_will_happen_and_is_done_by_post(
    records: Source, signed_in: Callable[[str], Client], deed: str, verb: str
) -> None:
    browser, one = signed_in("engineer"), Endpoint.objects.get()
    before = TrailEntry.objects.filter(verb=verb).count()
    assert "will happen" in text(browser.get(act(deed, one)))
    assert TrailEntry.objects.filter(verb=verb).count() == before

    assert browser.post(act(deed, one), WHY).status_code == 302

    assert TrailEntry.objects.filter(verb=verb).count() == before + 1


def test_what_is_disabled_is_enabled_again_and_not_twice(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser, one = signed_in("engineer"), endpoint()
    browser.post(act("disable", one), WHY)
    assert browser.post(act("test", one), WHY).status_code == 409
    assert browser.post(act("enable", one), WHY).status_code == 302
    assert browser.post(act("enable", one), WHY).status_code == 409
    one.refresh_from_db()
    assert one.state == "enabled" and not Sending.objects.exists()
    assert browser.get(act("explode", one)).status_code == 404


def test_only_engineers_act(records: Source, signed_in: Callable[[str], Client]) -> None:
    for role in ("viewer", "agent", "lead", "auditor"):
        browser = signed_in(role)
        for address in (NEW_PAGE, act("disable", Endpoint.objects.get())):
            assert browser.post(address, NEW).status_code == 403
