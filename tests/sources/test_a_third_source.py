"""A kind of source that nobody has seen goes through the whole circle; its consent is finished in the callback."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes import flow, nightly
from scopes.facts import AccountTrouble
from scopes.judge import policy
from scopes.models import Attempt, Connection, LinkEvent, LiveCheck, Source
from scopes.reauth.callback import FINISHED_WITHIN
from scopes.reauth.issue import Issued, Wish, issue
from scopes.sources import registry
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED, WRONG_ACCOUNT
from scopes.sources.errors import AccountRefused, SourceUnavailable
from scopes.sync import live_check
from tests import cast
from tests.reauth.hands import act
from tests.sources.fake import SECRET, FakeKind, Server

pytestmark = pytest.mark.django_db(transaction=True)

CALLBACK = "/r/back/fake/app/"
WITHOUT_HEARTRATE = tuple(scope for scope in cast.EVERYTHING if scope != "heartrate")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    kind = FakeKind()
    monkeypatch.setitem(registry.KINDS, "fake", kind)
    return kind.server


@pytest.fixture
def source(server: Server) -> Source:
    """Ben's connection, listed without the heart rate that the policy needs."""
    server.accounts["account-1"] = ("ref-ben", WITHOUT_HEARTRATE)
    flow.take_in_people(cast.PEOPLE, timezone.now())
    nightly.list_source(registry.gateway("fake", "app"), timezone.now, lambda _: None)
    source = Source.objects.get(kind="fake", name="app")
    version = policy.draft(cast.integration_of("oura", source), cast.OURA_POLICY, author="Pat", now=timezone.now())
    flow.publish(version, now=timezone.now())
    return source


def ben() -> Connection:
    return Connection.objects.select_related("standing", "integration").get(user_id="account-1")


def health() -> str:
    connection = ben()
    verdict = connection.standing.verdicts.get(policy_version=connection.integration.policy_version)
    return str(verdict.health)


@pytest.fixture
def link(source: Source) -> Issued:
    integration = cast.integration_of("oura", source)
    integration.refresh_from_db()
    return issue(cast.the("ben"), integration, Wish(act(), language="en"), timezone.now(), ben(), at_most=3)


def press(client: Client, link: Issued) -> Attempt:
    answer = client.post(f"/r/{link.link.public_id}/{link.secret}")
    attempt = Attempt.objects.latest("pk")
    assert answer["Location"] == f"https://fake.example/authorize?state={attempt.key}"
    return attempt


def come_back(client: Client, attempt: Attempt, **parameters: str) -> str:
    """Where the callback leads, followed: the page of the result."""
    answer = client.get(CALLBACK, {"state": attempt.key, **parameters})
    assert (answer.status_code, answer["Location"]) == (303, reverse("reauth_result", args=[attempt.key]))
    return client.get(answer["Location"]).content.decode()


def test_it_goes_through_the_whole_circle(client: Client, server: Server, source: Source, link: Issued) -> None:
    assert (health(), ben().reference_id) == ("blocked", "ref-ben")

    (check,) = live_check.new_checks([ben()], "rex", timezone.now())
    live_check.check([check], registry.gateway("fake", "app"), timezone.now)
    assert LiveCheck.objects.get().answer == LiveCheck.Answer.KNOWN

    attempt = press(client, link)
    assert server.requested and server.requested.missing == ("heartrate",) and server.requested.names == ("oura",)
    assert server.requested.callback_url == "http://testserver/r/back/fake/app/"
    server.codes["c-1"] = ("account-1", cast.EVERYTHING)
    assert "You can close this page" in come_back(client, attempt, code="c-1")

    attempt.refresh_from_db()
    link.link.refresh_from_db()
    assert (attempt.state, link.link.outcome, health()) == ("succeeded", "fixed", "ok")
    assert server.kept == ["token-of-c-1"]
    assert "c-1" not in str(attempt.returned), "the code is a secret"

    event = {"type": "revoked", "account": "account-1"}
    headers = {"X-Fake-Secret": SECRET, "X-Fake-Time": timezone.now().isoformat()}
    hook = "/hooks/fake/app/"
    assert client.post(hook, event, "application/json", headers=headers | {"X-Fake-Secret": "no"}).status_code == 401
    assert client.post(hook, event, "application/json", headers=headers).status_code == 200
    assert health() == "broken"

    assert registry.gateway("fake", "app").revoke("account-1") is True
    assert registry.gateway("fake", "app").revoke("account-1") is False
    assert not LinkEvent.objects.exists(), "a source that keeps its ids needs no matching"


def test_a_dead_credential_is_a_rejected_token_of_its_connection_alone(server: Server, source: Source) -> None:
    server.dead.add("account-1")
    server.accounts["account-2"] = ("ref-ada", cast.EVERYTHING)
    gateway = registry.gateway("fake", "app")
    nightly.list_source(gateway, timezone.now, lambda _: None)
    ada = Connection.objects.get(user_id="account-2")

    checks = live_check.new_checks([ben(), ada], "rex", timezone.now())
    checked = live_check.check(checks, gateway, timezone.now)

    assert (checked.answered, checked.trouble) == (2, None)
    assert list(LiveCheck.objects.order_by("pk").values_list("answer", "probe", "detail")) == [
        ("known", "expired", "invalid_grant"),
        ("known", "", ""),
    ]
    assert (ben().standing.link, health()) == ("token_rejected", "broken")
    ada.refresh_from_db()
    assert ada.standing.link == "active"
    source.refresh_from_db()
    assert source.trouble == "", "our account there is not refused"


def test_another_account_is_a_wrong_account_at_once(client: Client, server: Server, link: Issued) -> None:
    server.codes["c-1"] = ("account-2", cast.EVERYTHING)
    come_back(client, press(client, link), code="c-1")
    link.link.refresh_from_db()
    assert (link.link.outcome, health()) == ("wrong_account", "blocked")


def test_a_refusal_is_recorded_without_an_exchange(client: Client, server: Server, link: Issued) -> None:
    attempt = press(client, link)
    come_back(client, attempt, error="access_denied")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.result, server.kept) == ("failed", "access_denied", [])


def test_the_second_callback_finds_it_claimed(client: Client, server: Server, link: Issued) -> None:
    attempt = press(client, link)
    server.codes["c-1"] = ("account-1", cast.EVERYTHING)
    times: list[str] = []
    tab = Client()
    tab.cookies.update(client.cookies)

    def come_back_meanwhile() -> None:
        times.append("exchange")
        if len(times) == 1:
            come_back(tab, attempt, code="c-1")

    server.exchange = come_back_meanwhile
    come_back(client, attempt, code="c-1")
    come_back(client, attempt, code="c-1")
    assert times == ["exchange"] and server.kept == ["token-of-c-1"]


@pytest.mark.parametrize("killed_at", ["exchange", "keep"])
def test_what_is_killed_after_the_claim_is_uncertain_and_can_be_tried_anew(
    client: Client, server: Server, link: Issued, killed_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = press(client, link)
    server.codes |= {"c-1": ("account-1", cast.EVERYTHING), "c-2": ("account-1", cast.EVERYTHING)}

    def die() -> None:
        raise SystemExit(1)

    setattr(server, killed_at, die)
    with pytest.raises(SystemExit):
        come_back(client, attempt, code="c-1")
    setattr(server, killed_at, lambda: None)
    attempt.refresh_from_db()
    assert attempt.claimed_at is not None and (attempt.state, server.kept, health()) == ("open", [], "blocked")
    come_back(client, attempt, code="c-1")
    assert server.kept == [], "nobody exchanges the code again"

    Attempt.objects.filter(pk=attempt.pk).update(claimed_at=timezone.now() - FINISHED_WITHIN - timedelta(seconds=1))
    page = client.get(reverse("reauth_result", args=[attempt.key])).content.decode()
    attempt.refresh_from_db()
    assert (attempt.state, attempt.result) == ("failed", "uncertain")
    assert "<button" in page, "it can be tried anew"

    come_back(client, press(client, link), code="c-2")
    link.link.refresh_from_db()
    assert (link.link.outcome, server.kept) == ("fixed", ["token-of-c-2"])


def test_an_exchange_without_an_answer_is_uncertain_at_once(client: Client, server: Server, link: Issued) -> None:
    def down() -> None:
        raise SourceUnavailable("no answer within 8 s")

    attempt, server.exchange = press(client, link), down
    come_back(client, attempt, code="c-1")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.result, attempt.message) == ("failed", "uncertain", "no answer within 8 s")


def test_a_code_that_is_refused_is_no_consent(client: Client, server: Server, link: Issued) -> None:
    attempt = press(client, link)
    come_back(client, attempt, code="made-up")
    attempt.refresh_from_db()
    assert (attempt.state, attempt.result, health()) == ("failed", "not_finished", "blocked")


def test_what_cannot_be_stored_leaves_no_token(client: Client, server: Server, link: Issued) -> None:
    def no_room() -> None:
        raise OperationalError("disk full")

    attempt, server.keep = press(client, link), no_room
    server.codes["c-1"] = ("account-1", cast.EVERYTHING)
    answer = client.get(CALLBACK, {"state": attempt.key, "code": "c-1"})
    assert answer.status_code == 503 and (health(), server.kept) == ("blocked", [])


def test_what_another_browser_began_is_not_finished(client: Client, server: Server, link: Issued) -> None:
    attempt = press(client, link)
    other = Client()
    other.post(f"/r/{link.link.public_id}/{link.secret}")
    server.codes["c-1"] = ("account-1", cast.EVERYTHING)
    for browser in (Client(), other):
        answer = browser.get(CALLBACK, {"state": attempt.key, "code": "c-1"})
        assert answer.status_code == 403 and "another browser" in answer.content.decode()
    attempt.refresh_from_db()
    assert (attempt.claimed_at, attempt.returned, list(server.codes)) == (None, None, ["c-1"])

    come_back(client, attempt, code="c-1")
    assert server.kept == ["token-of-c-1"], "the browser that began it is not locked out"


def test_a_browser_with_two_tabs_finishes_each_attempt(client: Client, server: Server, link: Issued) -> None:
    server.codes |= {"c-1": ("account-1", WITHOUT_HEARTRATE), "c-2": ("account-1", cast.EVERYTHING)}
    first, second = press(client, link), press(client, link)
    come_back(client, second, code="c-1")
    come_back(client, first, code="c-2")
    for attempt in (first, second):
        attempt.refresh_from_db()
    link.link.refresh_from_db()
    assert (first.state, second.state, link.link.outcome) == ("succeeded", "succeeded", "fixed")
    assert server.kept == ["token-of-c-1", "token-of-c-2"]


@pytest.mark.parametrize("address", ["/r/back/fake/other/", "/r/back/terra/app/", "/r/back/{key}"])
def test_a_state_counts_at_its_own_source_only(
    client: Client, server: Server, link: Issued, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    attempt = press(client, link)
    answer = client.get(address.format(key=attempt.key), {"state": attempt.key, "code": "c-1"})
    attempt.refresh_from_db()
    assert (answer.status_code, attempt.claimed_at, attempt.returned) == (404, None, None)


def test_a_state_that_stands_twice_is_unknown(client: Client, server: Server, link: Issued) -> None:
    attempt = press(client, link)
    answer = client.get(f"{CALLBACK}?state={attempt.key}&state={attempt.key}&code=c-1")
    attempt.refresh_from_db()
    assert (answer.status_code, attempt.claimed_at) == (404, None)


def test_the_cookie_is_for_the_browser_alone(client: Client, server: Server, link: Issued) -> None:
    attempt = press(client, link)
    cookie = client.cookies["portal_consent"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 7200)
    assert attempt.browser is not None and cookie.value.encode() not in bytes(attempt.browser)
    client.cookies["portal_consent"] = "guessed; or set by somebody else"
    press(client, link)
    assert len(client.cookies["portal_consent"].value) == 43


def test_a_redirect_uri_is_made_with_the_portals_own_address(
    client: Client, server: Server, link: Issued, settings: Any
) -> None:
    settings.PORTAL_URL = "https://support.example"
    press(client, link)
    assert server.requested is not None and server.requested.callback_url == "https://support.example/r/back/fake/app/"


@pytest.mark.parametrize(
    ("reason", "outcome", "sentence"),
    [
        (WRONG_ACCOUNT, "wrong_account", "with another account than before"),
        (ADMIN_CONSENT_REQUIRED, "failed", "only an administrator"),
        ("access_denied", "failed", "access was not allowed"),
    ],
)
def test_what_a_consent_failed_by_is_said(
    client: Client, server: Server, link: Issued, reason: str, outcome: str, sentence: str
) -> None:
    page = come_back(client, press(client, link), error=reason)
    link.link.refresh_from_db()
    assert (link.link.outcome, health(), sentence in page) == (outcome, "blocked", True)


def test_a_client_that_is_refused_is_a_trouble_of_the_source_until_a_consent_succeeds(
    client: Client, server: Server, source: Source, link: Issued
) -> None:
    def refuse() -> None:
        raise AccountRefused("invalid_scope", trouble=AccountTrouble.FORBIDDEN)

    server.exchange = refuse
    attempt = press(client, link)
    come_back(client, attempt, code="c-1")
    attempt.refresh_from_db()
    source.refresh_from_db()
    assert (attempt.state, source.trouble, health()) == ("failed", "forbidden", "blocked")
    press(client, link)
    source.refresh_from_db()
    assert source.trouble == "forbidden", "an address that was made proves nothing"

    server.exchange, server.codes["c-2"] = (lambda: None), ("account-1", cast.EVERYTHING)
    come_back(client, press(client, link), code="c-2")
    source.refresh_from_db()
    assert source.trouble == ""


def test_a_head_request_finishes_nothing(client: Client, server: Server, link: Issued) -> None:
    attempt = press(client, link)
    client.head(CALLBACK, {"state": attempt.key, "code": "c-1"})
    attempt.refresh_from_db()
    assert attempt.claimed_at is None


def test_an_unknown_state_is_an_unknown_link(client: Client, server: Server) -> None:
    assert client.get(CALLBACK, {"state": "made-up", "code": "c"}).status_code == 404
    assert client.get(CALLBACK).status_code == 404
