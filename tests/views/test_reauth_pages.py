"""How every page of a link is answered: uncached, in the right language, and without revealing anything."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from pytest_httpserver import HTTPServer

from portal import statement_limits
from portal.logs import scrubbed
from scopes.models import Attempt
from scopes.reauth.issue import Issued, withdraw
from tests.reauth.hands import act
from tests.views.links import address, body_sent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_wrong_secret_and_an_unknown_link_get_the_same_answer(
    client: Client, ben: Issued, terra: HTTPServer, django_assert_num_queries: DjangoAssertNumQueries, method: str
) -> None:
    answers = []
    for wrong in (f"/r/{ben.link.public_id}/wrong", "/r/made-up/wrong", f"/r/{ben.link.public_id}/{ben.secret}x"):
        with django_assert_num_queries(1):
            answers.append(getattr(client, method)(wrong))
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert "Oura" not in answers[0].content.decode() and terra.log == []


def test_an_unknown_link_is_explained_in_the_language_of_the_browser(client: Client, db: None) -> None:
    page = client.get("/r/made-up/wrong", headers={"Accept-Language": "de-CH,de;q=0.9"}).content.decode()
    assert '<html lang="de">' in page and "Dieser Link ist nicht vollständig" in page


@pytest.mark.parametrize("rest", ["made-up", "made-up/", "made-up/wrong/", "a/b/c"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_of_which_a_part_got_lost_is_no_link(client: Client, rest: str, method: str) -> None:
    answer = getattr(client, method)(f"/r/{rest}", headers={"Accept-Language": "de"})
    assert answer.status_code == 404 and "Dieser Link ist nicht vollständig" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store" and answer["Referrer-Policy"] == "no-referrer"


def test_while_the_portal_is_busy_a_person_gets_a_page_to_retry(
    client: Client, ben: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_limits, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(statement_limits, "SECONDS_FOR_A_PLACE", 0.01)
    statement_limits._places.acquire()
    for page in (address(ben), "/r/result/made-up", "/r/back/made-up"):
        answer = client.get(page, headers={"Accept-Language": "de"})
        assert (answer.status_code, answer["Retry-After"]) == (503, "300")
        assert "Diese Seite kann gerade nicht angezeigt werden." in answer.content.decode()
        assert "{" not in answer.content.decode() and "%(" not in answer.content.decode()


def test_no_answer_is_cached_and_none_sends_a_referrer(client: Client, ben: Issued, terra: HTTPServer) -> None:
    page = client.get(address(ben))
    press = client.post(address(ben))
    key = Attempt.objects.get().key
    landed = client.get(f"/r/back/{key}?end=success")
    for answer in (page, press, landed, client.get(landed["Location"]), client.get("/r/made-up/wrong")):
        assert answer["Cache-Control"] == "no-store" and answer["Referrer-Policy"] == "no-referrer"
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy and "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert f"form-action 'self' https: {terra.url_for('').rstrip('/')}" in page["Content-Security-Policy"]


def test_the_secret_is_in_no_page_and_no_log(
    client: Client, ben: Issued, terra: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        pages = client.get(address(ben)).content.decode() + client.post(address(ben)).content.decode()
    assert ben.secret not in pages
    assert ben.secret not in str(terra.log[0][0].headers) + str(body_sent(terra))
    assert not [line for line in caplog.messages if ben.secret in scrubbed(line)]


def test_a_person_switches_the_language_and_the_pages_that_follow_keep_it(
    client: Client, ben: Issued, terra: HTTPServer
) -> None:
    page = client.get(address(ben)).content.decode()
    assert '<a href="?language=de" hreflang="de" lang="de">Deutsch</a>' in page
    assert ben.secret not in page

    german = client.get(address(ben) + "?language=de")
    assert '<html lang="de">' in german.content.decode() and "Oura neu verbinden" in german.content.decode()
    assert (german.cookies["portal_language"].value, german.cookies["portal_language"]["path"]) == ("de", "/r/")

    client.post(address(ben) + "?language=de")
    key = Attempt.objects.get().key
    assert body_sent(terra)["language"] == "de", "the provider's page is in it, too"
    assert '<html lang="de">' in client.get(f"/r/result/{key}").content.decode()
    assert '<html lang="en">' in client.get(f"/r/result/{key}?language=en").content.decode()


@pytest.mark.parametrize("language", ["xx", "", "<b>", "e" * 500])
def test_a_language_that_there_is_not_leaves_the_links_own(client: Client, ben: Issued, language: str) -> None:
    answer = client.get(address(ben), {"language": language})
    assert '<html lang="en">' in answer.content.decode()
    assert answer.cookies["portal_language"].value == "en"


def test_the_last_page_leads_back_to_the_app_where_its_address_is_set(
    client: Client, ben: Issued, terra: HTTPServer, settings: Any
) -> None:
    withdraw(ben.link, act("Wrong ticket."), timezone.now())
    assert "Back to" not in client.get(address(ben)).content.decode()
    settings.PORTAL_HOST_URL = "https://app.example.org/health"
    assert (
        '<a class="button" href="https://app.example.org/health">Back to' in client.get(address(ben)).content.decode()
    )


def test_a_page_says_what_stops_without_a_permission_and_how_to_take_it_back(client: Client, ben: Issued) -> None:
    page = client.get(address(ben)).content.decode()
    assert "Without it, this does not work: Recovery." in page
    assert "You can take this back at any time: in your account at Oura, or by writing to" in page
