"""A Terra on loopback with scripted answers, and a client that does not really wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from scopes.sources.terra.admin_api import AdminApi
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.exchange import TerraLimits
from tests.sources.terra import admin

FIXTURES = Path(__file__).parents[2] / "fixtures" / "terra"
API_KEY = "key-that-must-stay-secret"


def event(name: str) -> dict[str, Any]:
    """The captured payload of that name."""
    loaded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return loaded


def answer(name: str) -> Any:
    """The captured answer of that name."""
    return json.loads((FIXTURES / "answers" / f"{name}.json").read_text())


@pytest.fixture
def environment(httpserver: HTTPServer) -> Environment:
    return Environment(
        "staging",
        dev_id="testing-dev",
        api_key=API_KEY,
        signing_secrets=("new secret", "old secret"),
        base_url=httpserver.url_for("/api/v2"),
    )


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that the client would have waited."""
    return []


@pytest.fixture
def make_terra(environment: Environment, pauses: list[float]) -> Callable[..., Terra]:
    return lambda **limits: Terra(environment, TerraLimits(**limits), pause=pauses.append)


@pytest.fixture
def terra(make_terra: Callable[..., Terra]) -> Terra:
    return make_terra()


@pytest.fixture
def api(environment: Environment, httpserver: HTTPServer, pauses: list[float]) -> AdminApi:
    known = replace(environment, admin_token=admin.TOKEN, admin_base_url=httpserver.url_for(admin.BASE))
    return AdminApi(known, TerraLimits(), pause=pauses.append)
