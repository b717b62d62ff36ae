"""The person page: what it says of each of the cast, and that it was opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from scopes import access_log
from scopes.facts import AttemptFailed, ConnectionSeen, ConsentGiven, IdReplaced, LinkChanged, LinkState, ScopesChanged
from scopes.intake.recording.reported_errors import keep
from scopes.models import Connection, Source, TrailEntry
from tests import cast as people
from tests.admin.acts import page_of
from tests.admin.reading import words_of


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
        ("Dee", ["Apple Health Unknown", "Permissions set on the phone", "no link helps"]),
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


def test_an_error_that_the_host_met_is_shown_with_its_connection(cast: Source, read: Callable[..., str]) -> None:
    keep(people.connection_of("ben").pk, "token_invalid", "bad token", people.NOW)
    page = read("Ben")
    assert "Errors in the app The host met an error on 20 Nov 2026 that proves token_invalid" in page
    assert "“bad token”. Reported by the host." in page


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
    assert "2 attempts to connect failed: Dee left “E-mail address”, “Age, sex, height and weight” or" in page
    assert "and Oura makes no connection without all of them; a new link will help if nothing is unticked." in page
    people.take_in(AttemptFailed(people.NOW, "missing_scopes", provider="oura", reference_id="ref-ada"))
    assert "Never completed" not in read("Ada")


def test_a_card_says_one_sentence_and_what_can_be_done_and_folds_the_rest(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scopes.admin.tags.timezone.now", lambda: people.NOW)
    page = signed_in("agent").get(page_of("Ben")).content.decode()
    card = page[page.index('<section class="card connection"') :].partition("</section>")[0]
    unfolded = re.sub(r"<details.*?</details>", "", card, flags=re.DOTALL)
    assert words_of(f"<main>{unfolded}</main>").replace("\xa0", " ").strip() == (
        "Oura Blocked for 8 months, since 1 Mar 2026"
        " Heart rate is not granted (left unticked), so Recovery cannot work; a new link will help if “Heart rate”"
        " stays ticked. Check with Terra now Send a reauth link"
    )
    folds = re.findall(r"<summary>(.*?)</summary>", card, flags=re.DOTALL)
    assert [words_of(f"<main>{fold}</main>").strip() for fold in folds] == [
        "Reply to paste (German), without a link",
        "Permissions 1 missing, 2 granted",
        "Features, dates and ids",
        "Evidence",
        "Other acts",
    ]


def test_an_unclaimed_connection_has_a_page_until_it_is_claimed(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, reference_id="ref-stray", scopes=("daily",)))
    stray = Connection.objects.get(user_id="stray")
    browser = signed_in("agent")
    page = words_of(browser.get(reverse("admin:connection", args=[stray.pk])).content.decode())
    assert "Unclaimed Oura connection" in page and "ref-stray" in page
    assert TrailEntry.objects.get(verb=access_log.CONNECTION).connection_id == stray.pk

    claimed = people.connection_of("Ben")
    response = browser.get(reverse("admin:connection", args=[claimed.pk]))
    assert response.headers["Location"] == reverse("admin:person", args=[claimed.person_id])


def test_the_page_of_a_past_day_shows_that_day_and_allows_no_act(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.take_in(LinkChanged("oura", "ada-oura", LinkState.REVOKED, people.NOW, reference_id="ref-ada"))
    browser = signed_in("lead")
    page = words_of(browser.get(page_of("Ada", "?as_of=2026-11-03T12:00")).content.decode())
    assert "As of 3 Nov 2026, 12:00, UTC." in page
    assert "All needed permissions are granted" in page and "link is revoked" not in page
    for offer in ("Send a link anyway", "Send a reauth link", "Do not contact", "Waive"):
        assert offer not in page
    assert "No connection was known at that time" in words_of(
        browser.get(page_of("Ada", "?as_of=2026-02-01")).content.decode()
    )
    assert "Revoked by the person" in words_of(browser.get(page_of("Ada")).content.decode())


@pytest.mark.parametrize("words", ["soon", "2999-01-01", "<script>", "2026-11-03T99:00"])
def test_a_moment_that_cannot_be_is_said_and_today_is_shown(
    cast: Source, signed_in: Callable[[str], Client], words: str
) -> None:
    page = signed_in("viewer").get(page_of("Ben"), {"as_of": words}).content.decode()
    assert 'role="alert"' in page and "<script>" not in page and "Left unticked" in page
