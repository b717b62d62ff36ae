"""The pages of a person with a link: every answer, and what they never reveal."""

from __future__ import annotations

import json
import logging
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from portal import statement_limits
from portal.logs import scrubbed
from scopes.facts import AttemptFailed, ConnectionSeen, ConsentGiven, LinkChanged, LinkState
from scopes.models import Attempt, Delivery, ReauthLink, Source
from scopes.reauth.issue import Issued, withdraw
from tests.cast import CONSENTED, EVERYTHING, take_in, the
from tests.reauth.hands import act, send

pytestmark = pytest.mark.django_db

AUTH_URL = "https://provider.example/authorize?scope=heartrate&state=1"


@pytest.fixture
def terra(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """Terra's production environment, which mints a new id at each call."""
    for name, value in {
        "TERRA_ENVIRONMENTS": "prod",
        "TERRA_PROD_DEV_ID": "dev",
        "TERRA_PROD_API_KEY": "key",
        "TERRA_PROD_BASE_URL": httpserver.url_for("/api/v2"),
    }.items():
        monkeypatch.setenv(name, value)

    def mint(request: Request) -> Response:
        user_id = f"minted-{len(httpserver.log) + 1}"
        return Response(json.dumps({"status": "success", "user_id": user_id, "auth_url": AUTH_URL}))

    httpserver.expect_request("/api/v2/auth/authenticateUser", method="POST").respond_with_handler(mint)
    return httpserver


@pytest.fixture
def ben(cast: Source) -> Issued:
    """A link for Ben, who lacks the heart rate."""
    return send(the("ben"), now=timezone.now())


def address(issued: Issued) -> str:
    return f"/r/{issued.link.public_id}/{issued.secret}"


def pressed(client: Client, issued: Issued) -> Attempt:
    """The attempt that pressing the button made."""
    assert client.post(address(issued)).status_code == 303
    return Attempt.objects.latest("pk")


def body_sent(terra: HTTPServer) -> dict[str, Any]:
    sent: dict[str, Any] = terra.log[-1][0].get_json()
    return sent


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


def test_a_press_mints_with_the_stored_reference_id_and_redirects(
    client: Client, ben: Issued, terra: HTTPServer
) -> None:
    answer = client.post(address(ben))
    assert (answer.status_code, answer["Location"]) == (303, AUTH_URL)
    attempt = Attempt.objects.get()
    assert (attempt.user_id, attempt.state, attempt.person) == ("minted-1", "open", the("ben"))
    assert terra.log[0][0].args["resource"] == "OURA"
    return_address = f"http://testserver/r/back/{attempt.key}"
    assert body_sent(terra) == {
        "reference_id": "ref-ben",
        "language": "en",
        "auth_success_redirect_url": f"{return_address}?end=success",
        "auth_failure_redirect_url": f"{return_address}?end=failure",
    }
    ben.link.refresh_from_db()
    assert ben.link.redirected_at is not None


def dexcom(user_id: str, resource: str | None, who: str = "ada") -> None:
    """A connection to Dexcom that was revoked."""
    take_in(ConsentGiven("dexcom", user_id, CONSENTED, f"ref-{who}", ("offline_access",), resource=resource))
    take_in(LinkChanged("dexcom", user_id, LinkState.REVOKED, CONSENTED + timedelta(days=1)))


@pytest.mark.parametrize(
    ("reported", "requested"), [("DEXCOM_EU", "DEXCOM_EU"), ("DEXCOM", "DEXCOM"), ("DEXCOMEU", "DEXCOM_EU")]
)
@pytest.mark.usefixtures("cast")
def test_the_link_is_requested_for_the_region_of_the_connection(
    client: Client, terra: HTTPServer, reported: str, requested: str
) -> None:
    dexcom("ada-eu", reported)
    pressed(client, send(the("ada"), "dexcom", now=timezone.now()))
    assert terra.log[-1][0].args["resource"] == requested


@pytest.mark.usefixtures("cast")
def test_a_region_reported_after_the_link_was_created_applies(client: Client, terra: HTTPServer) -> None:
    dexcom("ada-eu", None)
    link = send(the("ada"), "dexcom", now=timezone.now(), resource="DEXCOM")
    take_in(ConnectionSeen("dexcom", "ada-eu", CONSENTED + timedelta(days=2), resource="DEXCOM_EU"))
    pressed(client, link)
    assert terra.log[-1][0].args["resource"] == "DEXCOM_EU"


@pytest.mark.usefixtures("cast")
def test_where_the_region_is_unknown_the_agent_s_choice_applies(client: Client, terra: HTTPServer) -> None:
    dexcom("ada-eu", None)
    pressed(client, send(the("ada"), "dexcom", now=timezone.now(), resource="DEXCOM_JP"))
    assert terra.log[-1][0].args["resource"] == "DEXCOM_JP"


@pytest.mark.usefixtures("cast")
def test_a_link_without_a_region_lets_the_person_choose(client: Client, terra: HTTPServer) -> None:
    dexcom("ada-eu", None)
    link = send(the("ada"), "dexcom", now=timezone.now(), resource="DEXCOM")
    ReauthLink.objects.update(resource="")
    session = {"status": "success", "session_id": "s", "url": AUTH_URL, "expires_in": 900}
    terra.expect_request("/api/widget/session", method="POST").respond_with_json(session, status=201)
    assert pressed(client, link).session_id == "s"
    assert body_sent(terra)["providers"] == "DEXCOM,DEXCOM_EU,DEXCOM_JP"


@pytest.mark.parametrize("resource", ["EIGHT", "EIGHTSLEEP", None])
@pytest.mark.usefixtures("cast")
def test_a_name_that_no_link_can_be_made_for_is_never_requested(
    client: Client, terra: HTTPServer, resource: str | None
) -> None:
    take_in(ConsentGiven("eight_sleep", "ada-eight", CONSENTED, "ref-ada", resource=resource))
    take_in(LinkChanged("eight_sleep", "ada-eight", LinkState.REVOKED, CONSENTED + timedelta(days=1)))
    pressed(client, send(the("ada"), "eight_sleep", now=timezone.now()))
    assert terra.log[-1][0].args["resource"] == "EIGHT"


def test_five_presses_an_hour_and_the_link_still_works_afterwards(
    client: Client, ben: Issued, terra: HTTPServer
) -> None:
    for _ in range(5):
        assert client.post(address(ben)).status_code == 303
    refused = client.post(address(ben))
    assert refused.status_code == 429 and "Please wait a little" in refused.content.decode()
    Attempt.objects.update(started_at=timezone.now() - timedelta(hours=1, minutes=1))
    assert client.post(address(ben)).status_code == 303


def answering(terra: HTTPServer, status: int, body: str, widget: int | None = None) -> None:
    """Terra answers every request for a link so."""
    terra.clear_all_handlers()
    terra.clear_log()
    for path, code in (("/api/v2/auth/authenticateUser", status), ("/api/widget/session", widget or status)):
        terra.expect_request(path).respond_with_data(body, status=code, content_type="application/json")


@pytest.mark.parametrize(("status", "soon"), [(401, False), (404, False), (403, False), (500, True), (503, True)])
def test_when_terra_mints_no_link_nothing_is_lost(
    client: Client, ben: Issued, terra: HTTPServer, status: int, *, soon: bool
) -> None:
    answering(terra, status, "no")
    for _ in range(7):
        answer = client.post(address(ben))
        assert (answer.status_code, "Retry-After" in answer) == (503, soon)
        assert "This does not work at the moment" in answer.content.decode()
        assert ("in a few minutes" in answer.content.decode()) is soon
    attempt = Attempt.objects.latest("pk")
    assert (attempt.state, attempt.result) == ("failed", "not_minted") and str(status) in attempt.message
    ben.link.refresh_from_db()
    assert (ben.link.outcome, ben.link.redirected_at) == ("", None)


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (402, '{"status": "error", "message": "User limit reached"}', "user_limit"),
        (402, "", "user_limit"),
        (402, '{"type": "about:blank", "title": "payment required", "detail": "subscription ended"}', "payment"),
        (
            401,
            '{"type": "about:blank", "title": "unauthorized", "detail": "x-api-key is missing"}',
            "credential",
        ),
        (403, '{"type": "about:blank", "title": "forbidden", "detail": "not allowed"}', "forbidden"),
        (404, '{"type": "about:blank", "title": "not found", "detail": "resource not found"}', ""),
        (500, "", ""),
    ],
)
def test_a_refusal_of_our_account_is_recorded_for_the_environment(
    client: Client, ben: Issued, terra: HTTPServer, status: int, body: str, trouble: str
) -> None:
    answering(terra, status, body)
    client.post(address(ben))
    source = Source.objects.get(key="terra:prod")
    assert source.trouble == trouble and (source.trouble_since is not None) is bool(trouble)


def test_past_its_limit_the_widget_is_not_attempted_and_no_quick_retry_is_promised(
    client: Client, ben: Issued, terra: HTTPServer
) -> None:
    answering(terra, 402, '{"status": "error", "message": "User limit reached"}', widget=201)
    answer = client.post(address(ben))
    assert answer.status_code == 503 and "Retry-After" not in answer
    assert "cannot make new connections at the moment" in answer.content.decode()
    assert [request.path for request, _ in terra.log] == ["/api/v2/auth/authenticateUser"]
    assert "cannot make new connections at the moment" in client.get(address(ben)).content.decode()


def test_the_recorded_refusal_is_cleared_when_a_link_is_made(client: Client, ben: Issued, terra: HTTPServer) -> None:
    Source.objects.update(trouble="user_limit", trouble_since=timezone.now(), trouble_detail="User limit reached")
    pressed(client, ben)
    assert set(Source.objects.values_list("trouble", "trouble_since", "trouble_detail")) == {("", None, "")}
    assert "cannot make new connections" not in client.get(address(ben)).content.decode()


def test_an_environment_that_is_not_set_up_loses_nothing(
    client: Client, ben: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TERRA_ENVIRONMENTS", raising=False)
    assert client.get(address(ben)).status_code == 200
    assert client.post(address(ben)).status_code == 503


def test_where_the_direct_link_is_refused_the_widget_is_used(
    client: Client, ben: Issued, httpserver: HTTPServer, terra: HTTPServer
) -> None:
    httpserver.clear_all_handlers()
    refusal = {"type": "about:blank", "title": "gone", "detail": "not for this resource"}
    httpserver.expect_request("/api/v2/auth/authenticateUser").respond_with_json(refusal, status=400)
    session = {"session_id": "session-1", "url": "https://widget.example/session/1"}
    httpserver.expect_request("/api/widget/session").respond_with_json(session, status=201)
    assert client.post(address(ben))["Location"] == "https://widget.example/session/1"
    attempt = Attempt.objects.get()
    assert (attempt.user_id, attempt.session_id, attempt.state) == ("", "session-1", "open")


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


def test_a_press_needs_no_cookie_and_makes_none(ben: Issued, terra: HTTPServer) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(address(ben), headers={"Origin": "null"})
    assert answer.status_code == 303 and not answer.cookies


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, ben: Issued, method: str) -> None:
    assert getattr(client, method)(address(ben)).status_code == 405


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


def test_a_return_is_recorded_and_redirected_to_a_clean_address(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    answer = client.get(f"/r/back/{attempt.key}?end=success&user_id=u&reference_id=ref-ben&resource=OURA")
    assert (answer.status_code, answer["Location"]) == (303, f"/r/result/{attempt.key}")
    returned = Attempt.objects.get().returned or {}
    assert returned["end"] == "success"
    assert returned["parameters"] == {"user_id": ["u"], "reference_id": ["ref-ben"], "resource": ["OURA"]}
    ben.link.refresh_from_db()
    assert ben.link.returned_at is not None and ben.link.outcome == ""
    waiting = client.get(answer["Location"])
    assert waiting["Refresh"] == "4" and "Thank you, one moment" in waiting.content.decode()


def test_a_return_cannot_forge_a_success_or_flood_the_records(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    flood = "&".join(f"p{number}={'x' * 500}" for number in range(60))
    client.get(f"/r/back/{attempt.key}?end=success&reason=%00<b>&{flood}")
    attempt.refresh_from_db()
    assert attempt.state == "open" and len(json.dumps(attempt.returned)) < 8_000
    client.get(f"/r/back/{attempt.key}?end=failure&reason=later")
    assert (Attempt.objects.get().returned or {})["end"] == "success", "the first return is kept"
    assert client.get("/r/back/made-up?end=success").status_code == 404
    assert client.get("/r/result/made-up").status_code == 404
    assert client.post(f"/r/back/{attempt.key}").status_code == 405


def test_a_pending_delivery_is_processed_while_the_person_waits(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    client.get(f"/r/back/{attempt.key}?end=success")
    user = {"user_id": attempt.user_id, "provider": "OURA", "reference_id": "ref-ben", "scopes": ",".join(EVERYTHING)}
    received = timezone.now()
    delivery = Delivery.objects.create(
        source=attempt.source,
        digest=uuid4(),
        kind="user_reauth",
        body={"type": "user_reauth", "status": "warning", "new_user": user, "old_user": user | {"user_id": "ben-oura"}},
        signed_at=received,
        received_at=received,
    )

    page = client.get(f"/r/result/{attempt.key}")

    assert "Thank you, all is connected" in page.content.decode() and "Refresh" not in page
    delivery.refresh_from_db()
    assert delivery.processed_at is not None


def test_a_failure_names_the_boxes_to_leave_ticked_and_offers_another_attempt(
    client: Client, ben: Issued, terra: HTTPServer
) -> None:
    attempt = pressed(client, ben)
    client.get(f"/r/back/{attempt.key}?end=failure&reason=missing_scopes")
    page = client.get(f"/r/result/{attempt.key}").content.decode()
    assert "left unticked" in page and "E-mail address" in page and "Try again" in page
    again = client.post(f"/r/result/{attempt.key}")
    assert again["Location"] == AUTH_URL and ben.link.attempts.count() == 2


@pytest.mark.parametrize(
    ("reason", "words"), [("access_denied", "was not allowed"), ("something_new", "Oura made no connection.")]
)
def test_a_failure_is_explained_in_fitting_words(
    client: Client, ben: Issued, terra: HTTPServer, reason: str, words: str
) -> None:
    attempt = pressed(client, ben)
    take_in(AttemptFailed(timezone.now(), reason, reference_id="ref-ben"), now=timezone.now())
    assert words in client.get(f"/r/result/{attempt.key}").content.decode()


def test_the_result_of_an_ended_link_offers_no_other_attempt(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    client.get(f"/r/back/{attempt.key}?end=failure&reason=access_denied")
    withdraw(ben.link, act("Wrong ticket."), timezone.now())
    page = client.get(f"/r/result/{attempt.key}").content.decode()
    assert "Try again" not in page and "support for a new link" in page
    assert client.post(f"/r/result/{attempt.key}").status_code == 410
