"""The pages of a person with a link: every answer, and what they never reveal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer

from scopes.models import Attempt, ReauthLink, Source
from scopes.reauth.issue import Issued, withdraw
from tests.cast import the
from tests.reauth.hands import act, send
from tests.views.links import address

pytestmark = pytest.mark.django_db


def test_opening_the_page_shows_the_request_and_changes_nothing_that_matters(client: Client, ben: Issued) -> None:
    page = client.get(address(ben)).content.decode()
    assert "Reconnect Oura" in page and "Heart rate" in page
    assert "We need your heart rate to show how you recover." in page
    ben.link.refresh_from_db()
    assert ben.link.opened_at is not None
    assert (ben.link.redirected_at, ben.link.returned_at, ben.link.outcome) == (None, None, "")
    assert not Attempt.objects.exists()
    first = ben.link.opened_at
    client.get(address(ben))
    ben.link.refresh_from_db()
    assert ben.link.opened_at == first


def test_a_head_request_records_nothing(client: Client, ben: Issued) -> None:
    assert client.head(address(ben)).status_code == 200
    ben.link.refresh_from_db()
    assert ben.link.opened_at is None


def test_the_page_speaks_the_language_of_the_link(client: Client, cast: Source) -> None:
    page = client.get(address(send(the("ben"), now=timezone.now(), language="de"))).content.decode()
    assert '<html lang="de">' in page and "Oura neu verbinden" in page and "Herzfrequenz" in page


def expire(issued: Issued) -> None:
    day = timedelta(days=30)
    link = issued.link
    ReauthLink.objects.filter(pk=link.pk).update(created_at=link.created_at - day, expires_at=link.expires_at - day)


def settle_fixed(issued: Issued) -> None:
    ReauthLink.objects.filter(pk=issued.link.pk).update(outcome="fixed", settled_at=timezone.now())


ENDS = [
    (expire, 410, "This link has expired"),
    (lambda issued: withdraw(issued.link, act("Wrong ticket."), timezone.now()), 410, "This link was withdrawn"),
    (lambda issued: send(the("ben"), now=timezone.now()), 410, "There is a newer link"),
    (settle_fixed, 200, "Thank you, all is connected"),
]


@pytest.mark.parametrize(("end", "status", "words"), ENDS, ids=["expired", "withdrawn", "superseded", "fixed"])
def test_an_ended_link_is_explained_and_mints_nothing(
    client: Client, ben: Issued, terra: HTTPServer, end: Any, status: int, words: str
) -> None:
    end(ben)
    for answer in (client.get(address(ben)), client.post(address(ben))):
        assert answer.status_code == status and words in answer.content.decode()
        assert "<form" not in answer.content.decode()
    assert terra.log == [] and not Attempt.objects.exists()


def test_a_press_needs_no_cookie_and_makes_none(ben: Issued, terra: HTTPServer) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(address(ben), headers={"Origin": "null"})
    assert answer.status_code == 303 and not answer.cookies


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, ben: Issued, method: str) -> None:
    assert getattr(client, method)(address(ben)).status_code == 405
