"""The setup at Terra is read part by part, and explains a silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from scopes.sources.setup import Setup
from scopes.sources.terra.admin_api import AdminApi
from scopes.sources.terra.setup import _causes, read_setup, resource_of
from tests.sources.terra.admin import BASE, HERE, listed, problem


def destination(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "kind": "webhook", "address": "app.example/hooks", "active": True, "event_types": None} | fields


def test_what_one_part_refuses_leaves_the_others(httpserver: HTTPServer, api: AdminApi) -> None:
    httpserver.expect_request(f"{BASE}/me").respond_with_json({"name": "portal", "scopes": [], "expires_at": None})
    httpserver.expect_request(f"{HERE}/unified-api/sources").respond_with_json(listed({"provider": "oura"}))
    httpserver.expect_request(f"{HERE}/unified-api/sources/oura/scopes").respond_with_json({"scopes": ["email"]})
    httpserver.expect_request(f"{HERE}/unified-api/scopes").respond_with_handler(
        lambda _: problem(403, "scope_missing")
    )
    for path in ("unified-api/processing", "unified-api/destinations", "webhook-events"):
        httpserver.expect_request(f"{HERE}/{path}").respond_with_json(listed())
    setup = read_setup(api)
    assert setup.providers == [{"name": "OURA", "provider": "oura", "scopes": ["email"]}] and setup.destinations == []
    assert setup.data_types is None and "scope_missing" in setup.errors["data_types"]
    assert Setup.from_data(json.loads(json.dumps(setup.as_data()))) == setup


def test_with_a_refused_token_nothing_else_is_requested(httpserver: HTTPServer, api: AdminApi) -> None:
    httpserver.expect_request(f"{BASE}/me").respond_with_handler(lambda _: problem(401, "unauthorized"))
    assert list(read_setup(api).errors) == ["token"]
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("slug", "found"),
    [
        ("oura", ("oura", "OURA")),
        ("dexcom_eu", ("dexcom", "DEXCOM_EU")),
        ("dexcom-eu", ("dexcom", "DEXCOM_EU")),
        ("dexcomeu", ("dexcom", "DEXCOM_EU")),
        ("eight", ("eight_sleep", "EIGHT")),
        ("???", ("", "???")),
    ],
)
def test_a_slug_of_the_admin_api_finds_the_provider(slug: str, found: tuple[str, str]) -> None:
    assert resource_of(slug) == found


@pytest.mark.parametrize(
    ("setup", "cause"),
    [
        (Setup(), None),
        (Setup(formats=["json"], destinations=[destination()]), None),
        (Setup(destinations=[destination(event_types=["auth", "sleep"])]), None),
        (Setup(destinations=[destination(event_types=["unified_api.auth.created"])]), None),
        (Setup(destinations=[destination(active=False), destination()]), None),
        (Setup(destinations=[]), "no webhook destination"),
        (Setup(destinations=[destination(kind="s3")]), "no webhook destination"),
        (Setup(destinations=[destination(active=False)]), "switched off"),
        (Setup(destinations=[destination(event_types=["sleep", "daily"])]), "sends no auth events"),
        (Setup(formats=["fhir"]), "only JSON is read"),
        (Setup(formats=[]), "only JSON is read"),
    ],
)
def test_a_silence_is_explained_by_its_cause(setup: Setup, cause: str | None) -> None:
    found = list(_causes(setup))
    assert (found == []) if cause is None else (len(found) == 1 and cause in found[0])
