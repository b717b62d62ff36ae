"""The environments are read from variables; missing ones are named, and no secret is ever shown."""

from __future__ import annotations

import pytest

from scopes.sources.errors import NotConfigured
from scopes.sources.terra.environments import environments

STAGING = {"TERRA_ENVIRONMENTS": "staging", "TERRA_STAGING_DEV_ID": "dev-1", "TERRA_STAGING_API_KEY": "s3cret-key"}


def test_each_named_environment_is_found_with_its_defaults() -> None:
    found = environments(
        {
            **STAGING,
            "TERRA_ENVIRONMENTS": " production , staging,",
            "TERRA_STAGING_SIGNING_SECRETS": "new, old",
            "TERRA_STAGING_PROBE_ATHLETE": "true",
            "TERRA_PRODUCTION_DEV_ID": "dev-2",
            "TERRA_PRODUCTION_API_KEY": "another-key",
        }
    )
    assert list(found) == ["production", "staging"]
    staging = found["staging"]
    assert staging.base_url == "https://access.tryterra.co/api/v2"
    assert staging.widget_session_url == "https://access.tryterra.co/api/widget/session"
    assert staging.signing_secrets == ("new", "old")
    assert (found["production"].production, staging.production) == (True, False)
    assert (found["production"].probe_athlete, staging.probe_athlete) == (False, True)


def test_no_environment_is_no_error() -> None:
    assert environments({}) == {}


def test_addresses_can_be_set_and_lose_their_trailing_slash() -> None:
    staging = environments({**STAGING, "TERRA_STAGING_BASE_URL": "http://127.0.0.1:8001/api/v2/"})["staging"]
    assert staging.base_url == "http://127.0.0.1:8001/api/v2"
    assert staging.widget_session_url == "http://127.0.0.1:8001/api/widget/session"
    legacy = "https://access.tryterra.co/api/v2/auth/generateWidgetSession"
    assert environments({**STAGING, "TERRA_STAGING_WIDGET_SESSION_URL": legacy})["staging"].widget_session_url == legacy


def test_the_old_host_has_no_widget_sessions_so_they_go_to_the_new_one() -> None:
    staging = environments({**STAGING, "TERRA_STAGING_BASE_URL": "https://api.tryterra.co/v2"})["staging"]
    assert staging.widget_session_url == "https://access.tryterra.co/api/widget/session"


@pytest.mark.parametrize(("setting", "rate"), [("", 50), ("0.5", 0.5), ("0", 0)])
def test_the_rate_of_requests_to_an_environment_can_be_set(setting: str, rate: float) -> None:
    staging = environments({**STAGING, "TERRA_STAGING_REQUESTS_PER_SECOND": setting})["staging"]
    assert staging.requests_per_second == rate


def test_the_admin_api_is_optional_and_its_token_is_shown_nowhere() -> None:
    assert environments(STAGING)["staging"].admin_token == ""
    variables = {
        "TERRA_STAGING_ADMIN_TOKEN": "terra_at_1",
        "TERRA_STAGING_ADMIN_BASE_URL": "https://moved.example/admin/",
    }
    staging = environments({**STAGING, **variables})["staging"]
    assert (staging.admin_token, staging.admin_base_url) == ("terra_at_1", "https://moved.example/admin")
    assert "terra_at_1" not in repr(staging)


@pytest.mark.parametrize(
    ("name", "value"), [("ADMIN_TOKEN", "with a space"), ("ADMIN_BASE_URL", "http://moved.example/admin")]
)
def test_an_impossible_admin_api_is_refused(name: str, value: str) -> None:
    with pytest.raises(NotConfigured, match=f"TERRA_STAGING_{name}") as refused:
        environments({**STAGING, f"TERRA_STAGING_{name}": value})
    assert value not in str(refused.value)


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(NotConfigured, match="TERRA_EU_WEST_DEV_ID and TERRA_EU_WEST_API_KEY"):
        environments({"TERRA_ENVIRONMENTS": "eu-west"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TERRA_ENVIRONMENTS", "Staging"),
        ("TERRA_ENVIRONMENTS", "staging,staging"),
        ("TERRA_STAGING_API_KEY", ""),
        ("TERRA_STAGING_API_KEY", "s3cret key\nx"),
        ("TERRA_STAGING_DEV_ID", "dév-s3cret"),
        ("TERRA_STAGING_PRODUCTION", "s3cret"),
        ("TERRA_STAGING_REQUESTS_PER_SECOND", "s3cret"),
        ("TERRA_STAGING_REQUESTS_PER_SECOND", "-1"),
        ("TERRA_STAGING_REQUESTS_PER_SECOND", "nan"),
        ("TERRA_STAGING_BASE_URL", "http://access.tryterra.co/s3cret"),
        ("TERRA_STAGING_BASE_URL", "https://me:s3cret@access.tryterra.co/api/v2"),
        ("TERRA_STAGING_BASE_URL", "https://access.tryterra.co:s3cret/"),
        ("TERRA_STAGING_WIDGET_SESSION_URL", "access.tryterra.co/s3cret"),
    ],
)
def test_an_impossible_value_is_refused_by_its_name_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(NotConfigured, match=name) as refused:
        environments({**STAGING, name: value})
    assert "s3cret" not in str(refused.value)


def test_two_names_that_share_their_variables_are_refused() -> None:
    shared = {"TERRA_ENVIRONMENTS": "a-b,a_b", "TERRA_A_B_DEV_ID": "dev", "TERRA_A_B_API_KEY": "key"}
    with pytest.raises(NotConfigured, match="a_b"):
        environments(shared)


def test_an_environment_shows_no_secret() -> None:
    staging = environments({**STAGING, "TERRA_STAGING_SIGNING_SECRETS": "whsec-1"})["staging"]
    shown = repr(staging) + str(staging)
    assert "staging" in shown
    assert not any(secret in shown for secret in ("s3cret", "whsec-1", "dev-1"))
