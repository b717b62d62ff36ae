"""The host applications are read from variables; what is missing or wrong is named, and no secret is ever shown."""

from __future__ import annotations

import pytest

from scopes.sources.errors import NotConfigured
from scopes.sources.host.environment import hosts, troubles
from tests.sources.host.variables import APP, OLDER, SECRET


def test_each_named_application_is_found_with_its_defaults() -> None:
    found = hosts({**APP, "HOST_SOURCES": " app , app-testing,", "HOST_APP_TESTING_PRODUCTION": "no"})
    assert [(one.name, one.production) for one in found.values()] == [("app", True), ("app-testing", False)]
    app = found["app"]
    assert (app.signing_secrets, app.origin) == ((SECRET, OLDER), "https://app.example")
    assert app.page_of("oura") == "https://app.example/connect/oura?from=support"
    assert (found["app-testing"].link_url, found["app-testing"].origin) == ("", ""), "one may only report"
    assert "s3cret" not in repr(found) and "0lder" not in str(found)


def test_no_application_is_no_error() -> None:
    assert hosts({}) == {} and list(troubles({})) == []


def test_what_is_on_this_machine_is_no_production() -> None:
    here = {**APP, "HOST_APP_LINK_URL": "http://127.0.0.1:8100/connect"}
    assert hosts(here)["app"].production is False
    assert list(troubles({**here, "HOST_APP_PRODUCTION": "true"})) == [
        "HOST_APP_LINK_URL must be https:// where HOST_APP_PRODUCTION is true"
    ]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"HOST_SOURCES": "App"}, "'App' is no name"),
        ({"HOST_SOURCES": "app,app"}, "names 'app' twice"),
        ({"HOST_SOURCES": "a-b,a_b"}, "names 'a_b' twice"),
        ({"HOST_APP_LINK_URL": "http://app.example/connect"}, "HOST_APP_LINK_URL must be an https:// address"),
        ({"HOST_APP_LINK_URL": "https://me:s3cret@app.example/"}, "HOST_APP_LINK_URL must be"),
        ({"HOST_APP_LINK_URL": "https://app.example/#s3cret"}, "HOST_APP_LINK_URL must be"),
        ({"HOST_APP_LINK_URL": "https://app.example/{person}"}, "HOST_APP_LINK_URL may leave {provider} open"),
        ({"HOST_APP_LINK_URL": "https://{provider}.example/"}, "in its path or query, and nothing else"),
        ({"HOST_APP_LINK_URL": "https://app.example/?request="}, "must have no parameter 'request'"),
        ({"HOST_APP_SIGNING_SECRETS": ""}, "needs HOST_APP_SIGNING_SECRETS"),
        ({"HOST_APP_SIGNING_SECRETS": f"{SECRET},s3cret"}, "secret 2 must be 32 characters or more"),
        ({"HOST_APP_SIGNING_SECRETS": "s3crét" * 6}, "secret 1 must be"),
        ({"HOST_APP_PRODUCTION": "s3cret"}, "HOST_APP_PRODUCTION must be true or false"),
    ],
)
def test_an_impossible_value_is_refused_by_its_name_and_not_repeated(wrong: dict[str, str], says: str) -> None:
    variables = {**APP, **wrong}
    assert any(says in trouble for trouble in troubles(variables))
    with pytest.raises(NotConfigured) as refused:
        hosts(variables)
    assert says in str(refused.value) and "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("HOST_APP_LINK_URI", "is HOST_APP_LINK_URL meant?"),
        ("HOST_SOURCE", "is HOST_SOURCES meant?"),
        ("HOST_WEB_LINK_URL", "HOST_SOURCES names app"),
    ],
)
def test_a_variable_that_nothing_reads_is_named(name: str, says: str) -> None:
    (trouble,) = troubles({**APP, name: "s3cret"})
    assert trouble.startswith(f"{name} is read by nothing: ") and says in trouble and "s3cret" not in trouble


def test_other_programs_may_have_variables_with_our_prefix() -> None:
    assert list(troubles({**APP, "HOST_IP": "10.0.0.1", "HOST_NAME": "pod-1", "HOSTNAME": "pod-1"})) == []
