"""What the registry knows of host applications."""

from __future__ import annotations

import pytest

from scopes.catalogue import default
from scopes.sources import registry
from scopes.sources.errors import UnknownName
from tests.sources.host.variables import APP


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**APP, "HOST_SOURCES": "app,reporter"}.items():
        monkeypatch.setenv(name, value)


def test_its_applications_are_sources_by_their_names() -> None:
    assert [(one.key, one.production) for one in registry.set_up().values() if one.kind == "host"] == [
        ("host:app", True),
        ("host:reporter", True),
    ]
    assert registry.gateway("host", "app").title == "Host application"
    with pytest.raises(UnknownName, match="HOST_SOURCES does not name 'web'; it names app, reporter"):
        registry.gateway("host", "web")


def test_it_leads_to_every_provider_where_it_has_a_consent_page() -> None:
    oura = default().provider("oura")
    assert registry.names_for("host", "app", oura) == ("oura",)
    assert registry.names_for("host", "reporter", oura) == ()


def test_it_can_be_asked_nothing_and_says_how_it_reports() -> None:
    able = {ability for ability in registry.KINDS["host"].abilities.__slots__ if "host" in registry.able(ability)}
    assert able == {"begins_consents", "checks_up"}
    assert registry.reports_of("host") == "Your application reports its connections by the API."
    assert registry.reports_of("terra") == registry.reports_of("gone") == ""


def test_its_variables_are_checked_with_all_others() -> None:
    assert list(registry.addresses({**APP, "HOST_IP": "10.0.0.1"})) == ["HOST_APP_LINK_URL"]
    assert any(
        "HOST_APP_SIGNING_SECRETS" in line for line in registry.troubles({**APP, "HOST_APP_SIGNING_SECRETS": ""})
    )


def test_more_scopes_are_requested_by_the_application() -> None:
    sentence = registry.KINDS["host"].request_more("Oura", "tag", "app")
    assert sentence == "In the host application, add tag to what is requested from Oura."
