"""Trouble with our account is shown until something works that was refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_httpserver import HTTPServer

from scopes import nightly
from scopes.facts import AccountTrouble
from scopes.models import Source
from scopes.reauth.target import target_of
from scopes.sources.errors import AccountRefused, CredentialRejected, SourceError, SourceUnavailable
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.errors import TerraRefused, about_links
from scopes.sync import account
from tests.cast import NOW, connection_of, integration_of, terra, the
from tests.terra_sandbox import gateway_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]
LATER = NOW + timedelta(hours=1)
LIMIT = AccountRefused("Terra answered 402, User limit reached for ada@example.com", trouble=AccountTrouble.USER_LIMIT)


def state() -> tuple[str, object]:
    source = Source.objects.get(key="terra:prod")
    return source.trouble, source.trouble_since


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (LIMIT, "user_limit"),
        (AccountRefused("402", trouble=AccountTrouble.PAYMENT), "payment"),
        (CredentialRejected("401"), "credential"),
        (about_links(TerraRefused("403", status=403)), "forbidden"),
        (TerraRefused("403", status=403), ""),
        (about_links(TerraRefused("400", status=400)), ""),
        (SourceUnavailable("500"), ""),
    ],
)
def test_only_what_is_about_our_account_is_noted(error: SourceError, trouble: str) -> None:
    account.note("terra:prod", error, NOW)
    assert state() == (trouble, NOW if trouble else None)


def test_the_same_trouble_goes_on_and_another_begins_anew() -> None:
    account.note("terra:prod", LIMIT, NOW)
    account.note("terra:prod", AccountRefused("in other words", trouble=AccountTrouble.USER_LIMIT), LATER)
    assert state() == ("user_limit", NOW)
    assert Source.objects.get(key="terra:prod").trouble_detail == "in other words"
    account.note("terra:prod", CredentialRejected("401"), LATER)
    assert state() == ("credential", LATER)


def test_no_address_is_kept() -> None:
    account.note("terra:prod", LIMIT, NOW)
    assert "ada@" not in Source.objects.get(key="terra:prod").trouble_detail


def test_an_accepted_credential_says_nothing_of_the_limit() -> None:
    account.note("terra:prod", LIMIT, NOW)
    account.works("terra:prod", links=False)
    assert state() == ("user_limit", NOW)
    account.works("terra:prod", links=True)
    assert state() == ("", None)


@pytest.mark.parametrize(("status", "trouble"), [(200, ""), (402, "user_limit"), (503, "user_limit")])
def test_the_night_asks_again_where_there_is_trouble(httpserver: HTTPServer, status: int, trouble: str) -> None:
    httpserver.expect_request("/api/v2/integrations/detailed").respond_with_json({"providers": [{"provider": "OURA"}]})
    minted = {"user_id": "u", "auth_url": "https://oura.example/consent"}
    httpserver.expect_request("/api/v2/auth/authenticateUser").respond_with_json(minted, status=status)
    environment = Environment("prod", "dev", "key", base_url=httpserver.url_for("/api/v2"))
    gateway = gateway_of(Terra(environment, pause=lambda _: None))

    account.review(gateway, NOW)
    assert not httpserver.log, "nothing is sent where all is well"

    account.note("terra:prod", LIMIT, NOW)
    account.review(gateway, LATER)
    assert state()[0] == trouble


def test_the_night_finds_it_and_staging_counts_only_where_there_is_no_production() -> None:
    terra("terra:staging")
    account.note("terra:staging", LIMIT, NOW)
    assert account.refused() == {}
    account.note("terra:prod", CredentialRejected("401"), NOW)
    night = nightly.run([], offline=True, clock=lambda: NOW, on_page=lambda _: None)
    found = {finding["code"]: finding["text"] for finding in night.findings}
    assert found["account_refused"].endswith("(terra:prod: credential)")
    Source.objects.filter(key="terra:prod").update(production=False)
    assert account.refused() == {"terra:prod": "credential", "terra:staging": "user_limit"}


def test_agents_see_it_before_they_send_a_link_on_the_person_s_page_and_at_home(
    admin_client: Client,
) -> None:
    account.note("terra:prod", LIMIT, NOW)
    target = target_of(the("ben"), integration_of("oura"), NOW, connection_of("ben"), at_most=3)
    assert [(one.code, one.who, one.overridable) for one in target.preflight.obstacles] == [
        ("account_user_limit", "engineer", True)
    ]
    for page in ("/admin/", f"/admin/people/{the('ben').pk}/"):
        assert "The account at Terra has reached its limit" in admin_client.get(page).content.decode()
    account.works("terra:prod", links=True)
    for page in ("/admin/", f"/admin/people/{the('ben').pk}/"):
        assert "has reached its limit" not in admin_client.get(page).content.decode()
