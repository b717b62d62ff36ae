"""Verify now: who may, what Terra is asked, what stands beside what afterwards, and many at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes import jobs
from scopes.admin import check_now
from scopes.facts import LinkChanged, LinkState
from scopes.judge import census
from scopes.models import Connection, Delivery, LiveCheck, Source, TrailEntry
from scopes.sync import live_check
from tests import cast as people
from tests.admin.acts import ROLES, WHY
from tests.admin.reading import words_of

NOT_FOUND = {"type": "about:blank", "title": "not found", "instance": "/userInfo", "detail": "user not found"}


class Terra:
    """What the Terra of these tests answers: each user as it is given here, else 404."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, object]] = {}
        self.asked: list[str] = []
        self.down = False

    def knows(self, row: Connection, **reported: object) -> None:
        self.users[row.user_id] = {
            "user_id": row.user_id,
            "provider": "OURA",
            "active": True,
            "scopes": None,
            **reported,
        }

    def user_info(self, request: Request) -> Response:
        user_id = request.args["user_id"]
        self.asked.append(user_id)
        if self.down:
            return Response("<html>bad gateway</html>", 504, mimetype="text/html")
        if user_id not in self.users:
            return Response(json.dumps(NOT_FOUND), 404, mimetype="application/problem+json")
        answer = {"user": self.users[user_id], "status": "success", "is_authenticated": True}
        return Response(json.dumps(answer), mimetype="application/json")


@pytest.fixture
def terra(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, cast: Source) -> Terra:
    """The Terra that the cast's environment is set up to ask."""
    found = Terra()
    httpserver.expect_request("/api/v2/userInfo").respond_with_handler(found.user_info)
    for name, value in {
        "TERRA_ENVIRONMENTS": "prod",
        "TERRA_PROD_DEV_ID": "dev",
        "TERRA_PROD_API_KEY": "key",
        "TERRA_PROD_BASE_URL": httpserver.url_for("/api/v2"),
        "TERRA_PROD_REQUESTS_PER_SECOND": "0",
    }.items():
        monkeypatch.setenv(name, value)
    return found


def address(name: str = "Ada") -> str:
    return reverse("admin:check_now", args=[people.connection_of(name).pk])


def unconfirmed(number: int) -> None:
    """So many connections are doubted, beside the cast."""
    people.take_in(*(people.consent(f"twin{n}", "oura", people.EVERYTHING) for n in range(number)))
    at = people.CONSENTED + timedelta(days=1)
    people.take_in(*(LinkChanged("oura", f"twin{n}-oura", LinkState.UNCONFIRMED, at) for n in range(number)))
    census.take(timezone.now())


@pytest.mark.parametrize("role", ROLES)
def test_only_agents_and_leads_check_a_connection(terra: Terra, signed_in: Callable[[str], Client], role: str) -> None:
    terra.knows(people.connection_of("Ada"))
    browser, may = signed_in(role), ROLES[role]
    answers = [browser.get(address()), browser.post(address(), WHY)]
    assert [answer.status_code for answer in answers] == ([200, 302] if may else [403, 403])
    assert (terra.asked == ["ada-oura"]) is may


def test_opening_the_page_sends_nothing_and_says_what_will_happen(
    terra: Terra, signed_in: Callable[[str], Client]
) -> None:
    page = words_of(signed_in("agent").get(address()).content.decode())
    assert "Terra (prod) is asked whether the connection exists" in page
    assert "active: true doesn’t show that the token works" in page
    assert terra.asked == [] and not LiveCheck.objects.exists()


def test_what_terra_said_stands_beside_what_the_webhook_said_and_what_is_right(
    terra: Terra, signed_in: Callable[[str], Client], cast: Source
) -> None:
    ben = people.connection_of("Ben")
    terra.knows(ben, scopes="email,heartrate,daily")
    Delivery.objects.create(
        source=cast, digest=uuid4(), kind="connection_error", signed_at=people.NOW, received_at=people.NOW,
        processed_at=people.NOW, body={
            "type": "connection_error", "message": "User connection degraded",
            "user": {"user_id": ben.user_id, "provider": "OURA"},
        },
    )  # fmt: skip
    people.take_in(LinkChanged("oura", ben.user_id, LinkState.TOKEN_REJECTED, people.NOW))

    answer = signed_in("agent").post(address("Ben"), WHY, follow=True)

    assert answer.redirect_chain == [(f"{reverse('admin:person', args=[people.the('Ben').pk])}#evidence-{ben.pk}", 302)]
    page = words_of(answer.content.decode())
    assert "Terra answered. The result" in page
    assert "Does it exist at Terra? Yes. Terra confirmed it on" in page
    assert "Does access work? No. Status since 20 Nov 2026: token rejected." in page
    assert "but that doesn’t show that the token works. No data has arrived since." in page
    assert "Which scopes? 3 scopes. From a live check" in page
    assert "Live check with Terra" in page and "It is active. Scopes: daily, email, heartrate." in page
    assert "connection_error : the link is token rejected." in page
    assert f'id="evidence-{ben.pk}" open' in answer.content.decode()
    entry = TrailEntry.objects.get(verb="connection.checked")
    assert (entry.actor_name, entry.person, entry.reason, entry.ticket) == (
        "agent-agent", people.the("Ben"), WHY["reason"], WHY["ticket"]
    )  # fmt: skip


def test_when_terra_is_down_the_page_says_so(terra: Terra, signed_in: Callable[[str], Client]) -> None:
    terra.down = True
    before = people.connection_of("Ada").standing_id

    answer = signed_in("agent").post(address(), WHY)

    assert answer.status_code == 409
    assert "Terra did not answer. Nothing was changed" in words_of(answer.content.decode())
    assert people.connection_of("Ada").standing_id == before
    assert LiveCheck.objects.get().answer == "down"


def test_an_environment_that_is_not_set_up_cannot_be_asked(
    terra: Terra, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "")
    answer = signed_in("agent").get(address())
    assert "terra:prod is not set up here" in words_of(answer.content.decode())
    assert signed_in("agent").post(address(), WHY).status_code == 409
    assert terra.asked == []


def test_an_agent_who_asked_enough_waits(
    terra: Terra, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_check, "AN_HOUR_EACH", 1)
    terra.knows(people.connection_of("Ada"))
    assert signed_in("agent").post(address(), WHY).status_code == 302

    answer = signed_in("agent").post(address(), WHY)

    assert (answer.status_code, len(terra.asked)) == (409, 1)
    assert "You have checked 1 connection within the last hour" in words_of(answer.content.decode())
    assert signed_in("lead").post(address(), WHY).status_code == 302


def test_the_unconfirmed_are_checked_from_the_list_and_the_rest_by_a_worker(
    terra: Terra, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_now, "AT_ONCE", 2)
    monkeypatch.setattr(check_now, "CHUNK", 2)
    unconfirmed(5)
    for row in Connection.objects.filter(user_id__in=["twin0-oura", "twin4-oura"]):
        terra.knows(row)
    browser = signed_in("agent")

    listed = browser.get(reverse("admin:connections") + "?reason=unconfirmed").content.decode()
    assert f'href="{reverse("admin:check_many")}?reason=unconfirmed">Check these 5 now<' in listed
    assert "Check these" not in browser.get(reverse("admin:connections") + "?health=ok").content.decode()

    many = reverse("admin:check_many") + "?reason=unconfirmed"
    page = words_of(browser.get(many).content.decode())
    assert "Terra: 5 connections will be checked, the first 2 while you wait." in page
    assert "the nightly audit checks the rest" in page and terra.asked == []

    answer = browser.post(many, WHY, follow=True)

    assert sorted(terra.asked) == ["twin0-oura", "twin1-oura"]
    page = words_of(answer.content.decode())
    assert "2 of 5 checked" in page and "3 still to check" in page and "1 “Known”" in page
    assert answer["Refresh"]
    deferred = [job.args["checks"] for job in ProcrastinateJob.objects.filter(task_name="live_checks")]
    assert [len(pks) for pks in deferred] == [2, 1]

    for pks in deferred:
        jobs.live_checks(pks)
    answer = browser.get(answer.redirect_chain[-1][0])
    page = words_of(answer.content.decode())
    assert "5 of 5 checked" in page and "3 “No such user”, 2 “Known”" in page
    assert "Refresh" not in answer
    assert Connection.objects.filter(standing__link="unconfirmed").count() == 3, "a 404 alone proves nothing"
    assert TrailEntry.objects.get(verb="connections.checked").detail["connections"] == 5


def test_the_few_are_all_asked_while_the_agent_waits(terra: Terra, signed_in: Callable[[str], Client]) -> None:
    unconfirmed(2)
    answer = signed_in("lead").post(reverse("admin:check_many") + "?reason=unconfirmed", WHY, follow=True)
    assert "2 of 2 checked" in words_of(answer.content.decode()) and "Refresh" not in answer
    assert not ProcrastinateJob.objects.filter(task_name="live_checks").exists()


def test_a_job_asks_only_what_still_waits_and_is_tried_again_when_terra_is_down(
    terra: Terra, agent: Callable[[str], User]
) -> None:
    rows = Connection.objects.filter(integration__provider__slug="oura").order_by("pk")[:3]
    checks = live_check.new_checks(rows, agent("agent").username, timezone.now())
    LiveCheck.objects.bulk_create(checks)
    pks = [check.pk for check in checks]

    terra.down = True
    with pytest.raises(Exception, match="504"):
        jobs.live_checks(pks)
    assert live_check.pending().count() == 3

    terra.down = False
    terra.asked.clear()
    jobs.live_checks(pks)
    jobs.live_checks(pks)
    assert sorted(terra.asked) == sorted(row.user_id for row in rows)
