"""A press of a link's button creates the consent at the source, or explains why it cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer

from scopes.facts import ConnectionSeen, ConsentGiven, LinkChanged, LinkState
from scopes.models import Attempt, ReauthLink, Source
from scopes.reauth.issue import Issued
from tests.cast import CONSENTED, take_in, the
from tests.reauth.hands import send
from tests.views.links import AUTH_URL, address, body_sent, pressed

pytestmark = pytest.mark.django_db


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
