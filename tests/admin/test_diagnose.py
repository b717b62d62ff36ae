"""Paste an error: what it proves, without its secrets; who is named in it; and what their own facts decide."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scopes import access_log, flow
from scopes.facts import ConsentGiven, IdReplaced, PersonKnown
from scopes.models import Connection, Source, TrailEntry
from tests import cast as people

Browse = Callable[[str], Client]
ADDRESS = "/admin/diagnose/"
TOKEN = "3f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c"
FITBIT = f'{{"errors":[{{"errorType":"invalid_grant","message":"Refresh token invalid: {TOKEN}. Visit https://dev.fitbit.com"}}]}}'


def paste(browser: Client, text: str, **more: Any) -> str:
    """The words of the answer's page, unescaped, each run of white space as one space."""
    response = browser.post(ADDRESS, {"text": text, **more})
    assert response.status_code == 200
    main = response.content.decode()
    main = main[main.index("<main") :]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def links(browser: Client, text: str) -> set[str]:
    page = browser.post(ADDRESS, {"text": text}).content.decode()
    return set(re.findall(r'href="(/admin/(?:people|connections)/\d+/)"', page[page.index("<main") :]))


def page_of(name: str) -> str:
    return reverse("admin:person", args=[people.the(name).pk])


def lacking(scope: str) -> str:
    return f"oura answered 403: missing scope: {scope}, user_id=ben-oura"


@pytest.mark.parametrize("role", ["viewer", "agent", "lead", "engineer", "auditor"])
def test_every_role_may_diagnose(cast: Source, signed_in: Browse, role: str) -> None:
    assert signed_in(role).get(ADDRESS).status_code == 200
    assert "Missing scope" in paste(signed_in(role), "insufficient_scope")


def test_who_has_no_role_may_not(cast: Source, signed_in: Browse) -> None:
    assert signed_in("none").get(ADDRESS).status_code == 403
    assert signed_in("none").post(ADDRESS, {"text": "insufficient_scope"}).status_code == 403


def test_who_may_not_see_people_learns_nothing_of_them(cast: Source, signed_in: Browse) -> None:
    text = "missing scope: heartrate for ben@example.com, ref-ben, ben-oura"
    page = paste(signed_in("engineer"), text, person=people.the("Ben").pk, connection=people.connection_of("Ben").pk)
    assert "heartrate" in page
    assert "Bitdiddle" not in page and "People in the text" not in page and "own facts" not in page
    assert not TrailEntry.objects.filter(verb__in=access_log.VERBS).exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "https://app.example/failed?user_id=null&reference_id=x&resource=OURA&reason=missing_scopes",
            ["Missing scope", "Provider Oura", "email", "Reauthenticate", "The person can fix it"],
        ),
        (
            '{"status": 500, "body": "GET /api/v2/athlete?user_id=1: internal server error", "provider": "STRAVA"}',
            ["Missing scope", "Provider Strava", "profile", "no proof"],
        ),
        (
            '{"status": 403, "body": "403 Forbidden: diary is locked with a key", "provider": "MYFITNESSPAL"}',
            ["Not a scope problem", "Provider MyFitnessPal", "Reauthenticate"],
        ),
        (
            "https://app.example/failed?resource=HUAWEI&reason=missing_scopes",
            ["Scope refused", "Provider Huawei", "Change the provider's console", "An engineer can fix it"],
        ),
    ],
)
def test_the_four_errors_that_this_began_with(cast: Source, signed_in: Browse, text: str, words: list[str]) -> None:
    page = paste(signed_in("agent"), text)
    assert [word for word in words if word not in page] == []


def test_a_name_is_shown_as_it_stands_and_as_the_catalogue_has_it(cast: Source, signed_in: Browse) -> None:
    page = paste(
        signed_in("agent"), '{"body": "Requires one of: extapi:heartrate or daily scopes", "provider": "oura"}'
    )
    assert "Any one of these scopes extapi:heartrate is heartrate" in page


def test_tokens_and_addresses_are_shown_nowhere(cast: Source, signed_in: Browse) -> None:
    browser = signed_in("agent")
    text = f"{FITBIT} for Ada@Example.com, ada&#64;example.com and ada%40example.com, Authorization: Bearer {TOKEN}"
    for given in (text, json.dumps({"status": 401, "body": text, "headers": {"X-Error": text}, "provider": TOKEN})):
        page = browser.post(ADDRESS, {"text": given})
        assert TOKEN not in page.content.decode()
        assert "example.com" not in page.content.decode().lower()
        assert "Refresh token invalid: [masked]" in page.content.decode()
        assert "no-store" in page.headers["Cache-Control"]
    assert page_of("Ada") in page.content.decode(), "she is found all the same"
    assert "searches" not in browser.session and TOKEN not in str(dict(browser.session))


def test_the_text_that_is_shown_again_gets_the_same_answer(cast: Source, signed_in: Browse) -> None:
    browser = signed_in("agent")
    given = json.dumps({"status": 500, "body": "/api/v2/athlete: internal server error", "provider": "STRAVA"})
    shown = re.search(
        r'<textarea id="text"[^>]*>\n(.*?)</textarea>',
        browser.post(ADDRESS, {"text": given}).content.decode(),
        re.DOTALL,
    )
    assert shown
    assert "the usual cause: profile" in paste(browser, html.unescape(shown[1]))


def test_markup_in_the_text_is_shown_and_not_run(cast: Source, signed_in: Browse) -> None:
    page = signed_in("agent").post(
        ADDRESS, {"text": 'missing scope: "</textarea><script>alert(1)</script>" <x onload=alert(2)>'}
    )
    content = page.content.decode()
    assert "<script>" not in content and "<x " not in content
    assert content.count("</textarea>") == 1


@pytest.mark.parametrize(
    "text",
    [
        "sync of ben@example.com failed: 403",
        "reference_id=ref-ben 403",
        '{"user":{"user_id":"ben-oura"}}',
        "for BEN%40example.com",
    ],
)
def test_whoever_is_named_is_one_click_away(cast: Source, signed_in: Browse, text: str) -> None:
    assert links(signed_in("viewer"), text) == {page_of("Ben")}


def test_a_uuid_of_today_or_of_before_and_an_unclaimed_connection_lead_to_their_pages(
    cast: Source, signed_in: Browse
) -> None:
    old, new, stray = (f"d4aba475-f714-4663-88fe-28f18b8599b{n}" for n in range(3))
    later = people.CONSENTED + timedelta(days=3)
    people.take_in(
        ConsentGiven("whoop", old, people.CONSENTED, reference_id="ref-ada", scopes=()),
        IdReplaced("whoop", new, old, later, reference_id="ref-ada", scopes=()),
        ConsentGiven("oura", stray, people.CONSENTED, scopes=("daily",)),
    )
    browser = signed_in("viewer")
    assert links(browser, f"GET /athlete/{old}: 403") == links(browser, f"[{new.upper()}]") == {page_of("Ada")}
    unclaimed = reverse("admin:connection", args=[Connection.objects.get(user_id=stray).pk])
    assert links(browser, f"connection_error for {stray}") == {unclaimed}


def test_a_text_that_names_no_known_person_says_so(cast: Source, signed_in: Browse) -> None:
    assert "None: no e-mail address" in paste(signed_in("agent"), "insufficient_scope for 0-0-0-0 and love")


@pytest.mark.parametrize(
    ("scope", "reason", "remedy"),
    [
        ("heartrate", "Left unticked", "Reauthenticate. Send a reauth link"),
        ("stress", "Never requested", "Change our request."),
        ("spo2", "Not approved for our client", "Change the provider's console."),
    ],
)
def test_the_facts_of_the_connection_that_is_named_decide_what_to_do(
    cast: Source, signed_in: Browse, scope: str, reason: str, remedy: str
) -> None:
    approved = [name for name in (*people.EVERYTHING, "stress") if name != "spo2"]
    people.policy_for("oura", people.OURA_POLICY | {"approved": approved})
    without = tuple(name for name in people.EVERYTHING if name not in ("heartrate", "spo2"))
    later = people.NOW - timedelta(days=1)
    people.take_in(ConsentGiven("oura", "ben-oura", later, reference_id="ref-ben", scopes=without))

    page = paste(signed_in("agent"), lacking(scope))
    assert f"What to do {remedy}" in page
    assert f"{scope}: {reason}." in page
    assert "Based on the connection below" in page


def test_facts_that_are_shown_are_written_down_as_opened(cast: Source, signed_in: Browse) -> None:
    paste(signed_in("agent"), lacking("heartrate"))
    entry = TrailEntry.objects.get(verb=access_log.PERSON)
    assert (entry.person, entry.actor_name) == (people.the("Ben"), "agent-agent")


def test_of_several_connections_the_agent_chooses_and_may_choose_none(cast: Source, signed_in: Browse) -> None:
    browser = signed_in("agent")
    text = "missing scope: heartrate. finn@example.com"
    undecided = browser.post(ADDRESS, {"text": text}).content.decode()
    assert "own facts" not in undecided
    form = undecided[undecided.index('name="text" hidden') :]
    masked = re.search(r">\n(.*?)</textarea>", form, re.DOTALL)
    assert masked and "finn" not in masked[1]
    sent = {"text": html.unescape(masked[1]), "person": re.findall(r'name="person" value="(\d+)"', form)}

    oura = people.connection_of("Finn")
    chosen = browser.post(ADDRESS, sent | {"connection": oura.pk}).content.decode()
    assert "show heartrate as granted" in chosen and "Finn Mertens" in chosen
    assert "heartrate as granted" not in browser.post(ADDRESS, sent | {"connection": "none"}).content.decode()


def test_a_person_and_a_provider_name_a_connection_together(cast: Source, signed_in: Browse) -> None:
    text = "https://app.example/failed?resource=OURA&reference_id=ref-finn&reason=missing_scopes"
    page = signed_in("agent").post(ADDRESS, {"text": text}).content.decode()
    assert f'value="{people.connection_of("Finn").pk}" checked' in page
    assert "connection below doesn’t change this" in page


def test_another_connection_than_those_named_cannot_be_chosen(cast: Source, signed_in: Browse) -> None:
    page = paste(signed_in("agent"), "missing scope: heartrate", connection=people.connection_of("Ben").pk)
    assert "Bitdiddle" not in page and "own facts" not in page


def test_facts_of_a_connection_to_another_provider_are_left_aside(cast: Source, signed_in: Browse) -> None:
    page = paste(signed_in("agent"), "https://www.strava.com/api/v3: missing scope: heartrate, user_id=ben-oura")
    assert "the text is about another provider" in page and "Left unticked" not in page


def test_a_retired_provider_needs_its_successor_whatever_is_missing(cast: Source, signed_in: Browse) -> None:
    page = paste(signed_in("agent"), "missing scope: heartrate, user_id=eve-fitbit")
    assert "What to do Connect the successor." in page and "Provider retired." in page


def test_a_text_that_is_too_long_to_send_is_refused_with_the_limit(cast: Source, signed_in: Browse) -> None:
    response = signed_in("agent").post(ADDRESS, {"text": "scope " * 1_700_000})
    assert response.status_code == 413
    assert "longer than 2.5 MB" in response.content.decode()


def test_nothing_pasted_is_asked_for(cast: Source, signed_in: Browse) -> None:
    assert "Paste an error into the box first" in paste(signed_in("agent"), " \n")


def test_a_form_that_is_not_ours_is_refused(cast: Source, signed_in: Browse, agent: Callable[[str], Any]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(agent("agent"))
    assert strict.post(ADDRESS, {"text": "insufficient_scope"}).status_code == 403
    strict.get(ADDRESS)
    token = strict.cookies["portal_csrf"].value
    assert strict.post(ADDRESS, {"text": "x", "csrfmiddlewaretoken": token}).status_code == 200


def test_as_many_questions_are_asked_whatever_is_named(cast: Source, signed_in: Browse) -> None:
    browser = signed_in("agent")
    flow.take_in_people([PersonKnown(f"twin-{n}", f"twin-{n}@example.com", "Gemma") for n in range(30)], people.NOW)
    people.take_in(
        *(
            ConsentGiven(slug, f"id-{n}-{slug}", people.CONSENTED, reference_id=f"twin-{n}", scopes=())
            for n in range(30)
            for slug in ("oura", "strava")
        )
    )

    def asked(text: str) -> int:
        with CaptureQueriesContext(database) as queries:
            paste(browser, text)
        return len(queries)

    paste(browser, "warm up: twin-1")
    words = [f"twin-{n} id-{n}-oura twin-{n}@example.com" for n in range(30)]
    few = asked("; ".join(words[:2]))  # first, for whoever was shown lately is not written down again
    assert asked("; ".join(words)) == few <= 10
    assert asked("user_id=who-knows; other-1") <= 8
