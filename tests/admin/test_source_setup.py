"""The desk's Terra page: what was read, a draft from it by one press, and an event sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_httpserver import HTTPServer

from scopes.models import ApiKey, PolicyVersion, Source, SourceSetup, TrailEntry
from scopes.sources.setup import Setup
from tests import cast as people
from tests.api.calls import key_for
from tests.outbox.receiving import endpoint

pytestmark = pytest.mark.django_db
HERE = "/admin-api/environments/dev"
OURA = {"name": "OURA", "provider": "oura", "scopes": ["email"]}
DEXCOM = {"name": "DEXCOM_EU", "provider": "dexcom", "scopes": []}
ASKED = {"user_id": "ben-oura", "event_id": "e-1", "event_type": "auth"}


@pytest.fixture
def api(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    for name, value in {
        "TERRA_ENVIRONMENTS": "prod",
        "TERRA_PROD_DEV_ID": "dev",
        "TERRA_PROD_API_KEY": "key",
        "TERRA_PROD_ADMIN_TOKEN": "terra_at_secret",
        "TERRA_PROD_ADMIN_BASE_URL": httpserver.url_for("/admin-api"),
    }.items():
        monkeypatch.setenv(name, value)
    return httpserver


def keep(source: Source, **parts: Any) -> SourceSetup:
    token = {"name": "portal", "scopes": ["events:read"], "expires_at": "2026-12-24T08:00:00+00:00"}
    return SourceSetup.objects.create(source=source, read_at=people.NOW, content=Setup(token, **parts).as_data())


def test_it_shows_what_was_read(cast: Source, engineer: Client) -> None:
    off = {"id": "1", "kind": "webhook", "address": "app.example/hooks", "active": False, "event_types": None}
    keep(
        cast,
        providers=[OURA, DEXCOM],
        causes=["the destination app.example/hooks is switched off at Terra"],
        data_types=["sleep"],
        formats=["json"],
        destinations=[off],
    )
    page = engineer.get(reverse("admin:source_setups")).content.decode()
    for words in (
        "24 Dec 2026",
        "DEXCOM_EU",
        "sleep",
        "switched off at Terra",
        "Terra does not ask for",
        "Draft a policy",
    ):
        assert words in page, words


def test_a_host_application_stands_there_with_its_keys_and_endpoints(
    cast: Source, engineer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_SOURCES", "app")
    monkeypatch.setenv("HOST_APP_SIGNING_SECRETS", "s" * 32)
    app = Source.objects.create(kind="host", name="app", production=True)

    def page() -> str:
        return engineer.get(reverse("admin:source_setups")).content.decode()

    assert "host:app" in page() and "none, so nothing is reported" in page() and "no link can be sent" in page()

    report, read = ApiKey.Permission.WRITE_CONNECTIONS, ApiKey.Permission.READ_PEOPLE
    key_for(report, sources=(app,), name="The backend")
    key_for(report, sources=(cast,), name="Of another")
    key_for(read, name="Only reads")
    key_for(report, name="Revoked", revoked_at=people.NOW)
    endpoint("The receiver", sources=[app])
    endpoint("Of Terra alone", sources=[cast])
    monkeypatch.setenv("HOST_APP_LINK_URL", "https://app.example/connect/{provider}")
    shown = page()
    assert "The backend, never used" in shown and "The receiver" in shown and "its own consent page" in shown
    assert not [name for name in ("Of another", "Only reads", "Revoked", "Of Terra alone") if name in shown]


@pytest.mark.parametrize("role", ["viewer", "agent", "lead", "auditor"])
def test_only_engineers_see_it_and_send_again(cast: Source, signed_in: Callable[[str], Client], role: str) -> None:
    keep(cast)
    other = signed_in(role)
    assert other.get(reverse("admin:source_setups")).status_code == 403
    assert (
        other.post(reverse("admin:resend_event", args=[cast.pk]), {"reason": "x"}, query_params=ASKED).status_code
        == 403
    )
    assert other.post(reverse("admin:draft_from_setup", args=[cast.pk, "oura"])).status_code == 403


def test_one_press_drafts_a_policy_that_requests_what_terra_asks_for(cast: Source, engineer: Client) -> None:
    keep(cast, providers=[OURA | {"scopes": ["email", "personal", "daily"]}])
    before = people.integration_of("oura").policy_version
    answer = engineer.post(reverse("admin:draft_from_setup", args=[cast.pk, "oura"]))
    draft = PolicyVersion.objects.get(published_at__isnull=True)
    assert answer["Location"] == reverse("admin:policy_impact", args=[draft.pk])
    assert draft.content["requested"] == ["daily", "email", "personal"]
    assert before is not None and draft.content["requirements"] == before.content["requirements"]
    assert engineer.get(reverse("admin:draft_from_setup", args=[cast.pk, "oura"])).status_code == 405


def test_without_a_difference_nothing_is_drafted(cast: Source, engineer: Client) -> None:
    keep(cast, providers=[OURA | {"scopes": list(people.EVERYTHING)}])
    engineer.post(reverse("admin:draft_from_setup", args=[cast.pk, "oura"]))
    assert not PolicyVersion.objects.filter(published_at__isnull=True).exists()


def test_the_failed_deliveries_of_one_connection_are_asked_for(cast: Source, engineer: Client, api: HTTPServer) -> None:
    keep(cast)
    row = {"event_id": "e-1", "sent_at": "2026-11-19T07:30:00Z", "data_type": "auth", "http_status": 502}
    api.expect_request(f"{HERE}/webhook-events").respond_with_json({"data": [row], "has_more": False})
    page = engineer.get(
        reverse("admin:source_setups"), {"source": "terra:prod", "user_id": "ben-oura"}
    ).content.decode()
    assert "event_id=e-1" in page and "502" in page
    assert api.log[0][0].args["user_id"] == "ben-oura"
    assert "terra_at_secret" not in page


def test_an_event_is_sent_again_by_a_post_with_a_reason_and_stands_in_the_trail(
    cast: Source, engineer: Client, api: HTTPServer
) -> None:
    api.expect_request(f"{HERE}/webhook-events/resend", method="POST").respond_with_json(
        {"dispatched": True}, status=202
    )
    address = reverse("admin:resend_event", args=[cast.pk])
    assert engineer.get(address, ASKED).status_code == 200
    assert engineer.post(address, {"reason": ""}, query_params=ASKED).status_code == 200
    assert not api.log and not TrailEntry.objects.filter(verb="event.resent").exists()

    assert engineer.post(address, {"reason": "It was lost.", "ticket": "T-1"}, query_params=ASKED).status_code == 302

    assert api.log[0][0].get_json() == ASKED
    entry = TrailEntry.objects.get(verb="event.resent")
    assert (entry.subject, entry.reason, entry.detail["event_id"]) == ("ben-oura", "It was lost.", "e-1")


def test_what_terra_does_not_send_again_stands_in_no_trail(cast: Source, engineer: Client, api: HTTPServer) -> None:
    refusal = {"type": "about:blank", "title": "forbidden", "code": "scope_missing", "instance": "/"}
    api.expect_request(f"{HERE}/webhook-events/resend", method="POST").respond_with_json(refusal, status=403)
    answer = engineer.post(reverse("admin:resend_event", args=[cast.pk]), {"reason": "Lost."}, query_params=ASKED)
    assert answer.status_code == 502 and "scope_missing" in answer.content.decode()
    assert not TrailEntry.objects.filter(verb="event.resent").exists()


@pytest.mark.parametrize(
    "wrong", [{"event_id": "a b"}, {"user_id": ""}, {"event_type": "\x00"}, {"event_id": "x" * 200}]
)
def test_what_is_no_id_is_not_found(cast: Source, engineer: Client, wrong: dict[str, str]) -> None:
    assert engineer.get(reverse("admin:resend_event", args=[cast.pk]), ASKED | wrong).status_code in (400, 404)
