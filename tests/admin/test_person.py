"""The person page: what it says of each of the cast, and that it was opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.admin import page_views
from scopes.facts import (
    AttemptFailed,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    Origin,
    OriginKind,
    ScopesChanged,
)
from scopes.models import Connection, Source, TrailEntry
from tests import cast as people


def words_of(page: str) -> str:
    """The page as it is read."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace(" .", ".").replace(" ,", ",")


@pytest.fixture
def read(signed_in: Callable[[str], Client]) -> Callable[..., str]:
    """What somebody of a role reads on the page of one of the cast."""

    def page(name: str, role: str = "agent", query: str = "") -> str:
        response = signed_in(role).get(reverse("admin:person", args=[people.the(name).pk]) + query)
        assert response.status_code == 200
        return words_of(response.content.decode())

    return page


@pytest.mark.parametrize(
    ("name", "sayings"),
    [
        ("Ada", ["Ada Lovelace", "ref-ada", "ada@example.com", "Oura OK", "All needed permissions are granted"]),
        (
            "Ben",
            [
                "Oura Blocked for 8 months, since 1 Mar 2026",
                "so Recovery cannot work",
                "missing, required",
                "Left unticked",
                "under policy 2, which asked for it; it was not granted",
                "Reauthenticate: Send a reauth link",
                "Recovery cannot work",
                "Sleep score works",
            ],
        ),
        ("Cy", ["Oura Broken", "Revoked by the person", "Recovery cannot work"]),
        ("Dee", ["Apple Health Unknown", "Permissions set on the phone", "A new link won’t help"]),
        ("Eve", ["Fitbit Broken", "Provider retired", "Connect the successor"]),
        ("Finn", ["Oura OK", "Withings Unknown"]),
    ],
)
def test_the_page_says_what_is_wrong_and_what_helps(
    cast: Source, read: Callable[..., str], monkeypatch: pytest.MonkeyPatch, name: str, sayings: list[str]
) -> None:
    monkeypatch.setattr("scopes.admin.tags.timezone.now", lambda: people.NOW)
    page = read(name)
    for saying in sayings:
        assert saying in page


def test_a_scope_that_was_removed_shows_since_when_and_the_facts_beside_it(
    cast: Source, read: Callable[..., str]
) -> None:
    moved = people.CONSENTED + timedelta(days=10)
    people.take_in(
        IdReplaced("oura", "ada-new", "ada-oura", moved, reference_id="ref-ada", scopes=people.EVERYTHING),
        ScopesChanged("oura", "ada-new", moved + timedelta(days=1), removed=("heartrate",)),
        ConnectionSeen(
            "oura",
            "ada-new",
            moved + timedelta(days=2),
            active=True,
            last_webhook_on=moved.date(),
            last_data_on=moved.date(),
            provider_user_id="oura-77",
        ),
    )
    page = read("Ada")
    for saying in ("Removed later", "ada-new", "Former ids ada-oura", "Id at Oura oura-77", "11 Mar 2026"):
        assert saying in page


def test_tries_that_never_became_a_connection_are_a_card_of_their_own(
    records: Source, read: Callable[..., str]
) -> None:
    page = read("Dee")
    assert "Oura Never completed" in page
    assert "2 attempts to connect failed with missing_scopes, so there is no connection" in page
    assert "“E-mail address”" in page
    people.take_in(AttemptFailed(people.NOW, "missing_scopes", provider="oura", reference_id="ref-ada"))
    assert "Never completed" not in read("Ada")


def test_links_and_the_timeline_are_there_and_can_be_filtered(records: Source, read: Callable[..., str]) -> None:
    page = read("Ben")
    for saying in (
        "Oura: connected",
        "Oura: reauth link created",
        "Oura: opened the link",
        "Link issued by agent-agent",
    ):
        assert saying in page
    only_links = read("Ben", query="?kind=links")
    assert "reauth link created" in only_links and "Oura: connected" not in only_links
    assert "Oura: connected" in read("Ben", query="?kind=made-up")


@pytest.mark.usefixtures("cast")
def test_what_a_file_told_is_told_with_the_file_s_name(read: Callable[..., str]) -> None:
    file = Origin("terra:prod", OriginKind.FILE, "old.csv sha256:0123456789abcdef")
    people.take_in(ConnectionSeen("whoop", "w", people.NOW, "ref-ada", ("read:sleep",)), origin=file)

    page = read("Ada")

    assert "WHOOP: first reported" in page
    assert "by imported file old.csv sha256:0123456789abcdef" in page
    assert "for at least" in page


def test_opening_a_page_is_written_down_once_in_ten_minutes(
    cast: Source, agent: Callable[[str], User], read: Callable[..., str]
) -> None:
    for _ in range(3):
        read("Ben")
    read("Ben", role="lead")
    read("Cy")
    noted = TrailEntry.objects.filter(verb=page_views.PERSON).order_by("pk")
    assert [(entry.actor_name, entry.subject) for entry in noted] == [
        ("agent-agent", "ref-ben"), ("agent-lead", "ref-ben"), ("agent-agent", "ref-cy"),
    ]  # fmt: skip
    TrailEntry.objects.update(at=timezone.now() - page_views.AGAIN)
    read("Ben")
    assert noted.all().count() == 4


def test_only_the_auditor_sees_who_opened_whose_page(
    cast: Source, signed_in: Callable[[str], Client], read: Callable[..., str]
) -> None:
    read("Ben", role="viewer")
    assert "Viewed this page" not in read("Ben", role="lead")
    assert "Viewed this page by agent-viewer" in read("Ben", role="auditor")
    log = words_of(signed_in("auditor").get("/admin/access/").content.decode())
    assert "agent-viewer Ben Bitdiddle ref-ben" in log
    trail = words_of(signed_in("auditor").get("/admin/scopes/trailentry/").content.decode())
    assert "agent-viewer" not in trail


def test_an_unclaimed_connection_has_a_page_until_it_is_claimed(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, reference_id="ref-stray", scopes=("daily",)))
    stray = Connection.objects.get(user_id="stray")
    browser = signed_in("agent")
    page = words_of(browser.get(reverse("admin:connection", args=[stray.pk])).content.decode())
    assert "Unclaimed Oura connection" in page and "ref-stray" in page
    assert TrailEntry.objects.get(verb=page_views.CONNECTION).connection_id == stray.pk

    claimed = people.connection_of("Ben")
    response = browser.get(reverse("admin:connection", args=[claimed.pk]))
    assert response.headers["Location"] == reverse("admin:person", args=[claimed.person_id])


def test_what_a_source_or_the_host_says_is_never_markup(cast: Source, signed_in: Callable[[str], Client]) -> None:
    evil = "<script>alert(1)</script>"
    ben = people.the("Ben")
    ben.name = evil
    ben.save(update_fields=["name"])
    people.take_in(ScopesChanged("oura", "ben-oura", people.NOW, added=(f"`{evil}`",)))
    page = signed_in("agent").get(reverse("admin:person", args=[ben.pk])).content.decode()
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") >= 2
