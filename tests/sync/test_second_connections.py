"""A link's consent made a second connection: where probing is allowed, the accounts of both are compared."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from scopes.models import Connection, LiveCheck, ReauthLink, Source
from scopes.reauth.overdue import settle_overdue
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.exchange import TerraLimits
from scopes.sources.terra.gateway import TerraGateway
from scopes.sync import second_connections
from tests import cast as people
from tests.reauth.hands import EVERYTHING, after, consented, outcome, press, report, send
from tests.terra_sandbox import gateway_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(cast: Source) -> ReauthLink:
    """Ben's link, whose consent made a second connection besides the one that works."""
    made = send(people.the("ben"), connection=people.connection_of("ben")).link
    press(made, "ben-second")
    report(consented("ben-second", EVERYTHING, "ben", after(2)))
    assert Connection.objects.filter(person=people.the("ben"), merged_into=None).count() == 2
    assert outcome(made) == ("", "")
    return made


def terra(httpserver: HTTPServer, *, probe: bool = True, **accounts: str) -> TerraGateway:
    """A Terra that knows both, with the account of each at the provider."""
    for name, account in accounts.items():
        user_id = name.replace("_", "-")
        user = {"user_id": user_id, "provider": "OURA", "active": True, "scopes": None, "reference_id": "ref-ben"}
        for path, answer in {
            "userInfo": {"user": user, "status": "success", "is_authenticated": True},
            "athlete": {"type": "athlete", "athlete": {"provider_user_id": account}, "user": user},
        }.items():
            expected = httpserver.expect_request(f"/v2/{path}", query_string=_query(path, user_id))
            expected.respond_with_json(answer)
    environment = Environment(
        "prod", "dev", "key", base_url=httpserver.url_for("/v2"), requests_per_second=0, probe_athlete=probe
    )
    return gateway_of(Terra(environment, TerraLimits(attempts=1)))


def _query(path: str, user_id: str) -> dict[str, str]:
    return {"user_id": user_id} | ({"to_webhook": "false"} if path == "athlete" else {})


def ask(gateway: TerraGateway, minutes: float = 5) -> int:
    return second_connections.compare_accounts(gateway, lambda: after(minutes)).answered


def test_equal_accounts_are_one_connection_again_and_the_link_has_fixed_it(
    link: ReauthLink, httpserver: HTTPServer
) -> None:
    ask(terra(httpserver, ben_oura="account-b", ben_second="account-b"))

    assert outcome(link) == ("fixed", "")
    assert Connection.objects.get(person=people.the("ben"), merged_into=None).provider_user_id == "account-b"


def test_different_accounts_are_a_wrong_account_at_once(link: ReauthLink, httpserver: HTTPServer) -> None:
    ask(terra(httpserver, ben_oura="account-b", ben_second="account-c"))

    assert outcome(link) == ("wrong_account", "The person consented with another account at the provider")


def test_each_is_checked_once_and_only_where_that_is_allowed(link: ReauthLink, httpserver: HTTPServer) -> None:
    assert ask(terra(httpserver, probe=False)) == 0
    client = terra(httpserver, ben_oura="", ben_second="")
    assert [ask(client), ask(client, 10)] == [2, 0]
    assert set(LiveCheck.objects.values_list("author", flat=True)) == {"second connections"}


def test_without_any_proof_it_is_a_second_connection_after_a_quarter_of_an_hour(
    link: ReauthLink, httpserver: HTTPServer
) -> None:
    ask(terra(httpserver, ben_oura="account-b", ben_second=""))
    settle_overdue(people.terra(), after(18))

    assert outcome(link) == ("wrong_account", "A second connection was created")
