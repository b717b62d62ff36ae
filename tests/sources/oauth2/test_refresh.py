"""Tokens are refreshed before they end: once at a time, stored before they are used, and nobody is blamed too early."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.embedded_postgres import CHECKOUT
from scopes.catalogue import provider_named
from scopes.catalogue.oauth import OAuth, Rotates
from scopes.facts import Fact, LinkChanged, LinkState, ScopesChanged
from scopes.models import Connection, Token
from scopes.sources.calls import Calls, Limits
from scopes.sources.errors import AccountRefused, CredentialDead, SourceUnavailable
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import leases, refresh, tokens, vault
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.clients import Client
from scopes.sources.oauth2.refresh import Refresher
from scopes.sources.oauth2.server import Server
from tests import cast
from tests.concurrently import at_once
from tests.sources.oauth2 import holding
from tests.sources.oauth2.holding import SCOPES, held
from tests.sources.oauth2.keys import NEW, VARIABLE
from tests.sources.oauth2.token_endpoint import Drop, Endpoint, Reply, refusal, serving

pytestmark = pytest.mark.django_db(transaction=True)

AN_HOUR = timedelta(hours=1)
ALWAYS = lambda: True  # noqa: E731 - has_time
SHORT = Limits(connect=2.0, read=0.5, total=2.0)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(Endpoint()) as found:
        yield found


class Clock:
    """Now, and whatever is added to it."""

    def __init__(self) -> None:
        self.later = timedelta()

    def __call__(self) -> datetime:
        return timezone.now() + self.later


@pytest.fixture
def clock() -> Clock:
    return Clock()


def provider(endpoint: Endpoint, **how: Any) -> OAuth:
    return holding.oauth(endpoint.url, **how)


def refresher(endpoint: Endpoint, *, limits: Limits = SHORT, **how: Any) -> Refresher:
    client = Client(name="acme", client_id="us", client_secret="a-client-secret", provider=holding.PROVIDER)
    return Refresher(
        "oauth2", "acme", provider_named(holding.PROVIDER), Server(provider(endpoint, **how), client, Calls(limits))
    )


def run(one: Refresher, clock: Callable[[], datetime]) -> list[Fact]:
    return [fact for facts in one.due(clock, ALWAYS) for fact in facts]


def expired(user_id: str, endpoint: Endpoint, scopes: tuple[str, ...] | None = SCOPES, **how: Any) -> Token:
    """A connection whose access token has ended."""
    return held(user_id, timezone.now() - 2 * AN_HOUR, provider(endpoint, **how), scopes=scopes)


def pair(row: Token) -> tuple[str, str]:
    row.refresh_from_db()
    assert row.access is not None and row.refresh is not None
    return vault.open_(row.pk, "access", row.access), vault.open_(row.pk, "refresh", row.refresh)


def as_before(row: Token) -> bool:
    """Both tokens are those of the consent, and nobody holds a lease."""
    return pair(row) == (f"access-1-of-{row.connection.user_id}", f"refresh-1-of-{row.connection.user_id}") and (
        row.refreshing_since is None
    )


class TestWhatIsRefreshed:
    def test_what_is_due_is_refreshed_and_nothing_else(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        held("ben", timezone.now(), provider(endpoint))
        assert run(refresher(endpoint), clock) == []
        assert endpoint.asked == ["ada"]
        assert pair(row) == ("access-2-of-ada", "refresh-1-of-ada") and row.refreshed_at is not None
        assert row.refresh_at is not None and row.refresh_at > timezone.now() + timedelta(minutes=50)
        assert run(refresher(endpoint), clock) == [] and endpoint.asked == ["ada"]

    def test_before_it_ends(self, endpoint: Endpoint, clock: Clock) -> None:
        held("ada", timezone.now(), provider(endpoint))
        clock.later = timedelta(minutes=54)
        run(refresher(endpoint), clock)
        assert endpoint.asked == []
        clock.later = timedelta(minutes=56)
        run(refresher(endpoint), clock)
        assert endpoint.asked == ["ada"]

    def test_a_rotated_token_takes_the_place_of_the_old(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        row = expired("ada", endpoint, rotates=Rotates.YES)
        one = refresher(endpoint, rotates=Rotates.YES)
        for generation in (2, 3, 4):
            clock.later += 2 * AN_HOUR
            assert run(one, clock) == []
            assert pair(row)[1] == f"refresh-{generation}-of-ada"

    def test_many_are_refreshed_several_at_a_time(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.seconds = 0.02
        for place in range(60):
            expired(f"user-{place}", endpoint)
        run(refresher(endpoint), clock)
        assert sorted(endpoint.asked) == sorted(f"user-{place}" for place in range(60))
        assert 4 < endpoint.most_together <= refresh.IN_FLIGHT

    @pytest.mark.parametrize(
        ("wanted", "sent"), [(True, ["https://portal.example/r/back/oauth2/acme/"]), (False, None)]
    )
    def test_the_redirect_uri_is_sent_again_where_the_provider_wants_it(
        self, endpoint: Endpoint, clock: Clock, settings: Settings, wanted: bool, sent: list[str] | None
    ) -> None:
        settings.PORTAL_URL = "https://portal.example"
        row = expired("ada", endpoint)
        run(refresher(endpoint, redirect_uri=wanted), clock)
        assert endpoint.forms[0].get("redirect_uri") == sent
        assert pair(row)[0] == "access-2-of-ada"

    def test_without_time_nothing_is_begun(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        assert list(refresher(endpoint).due(clock, lambda: False)) == []
        assert endpoint.asked == [] and as_before(row)

    def test_a_connection_thought_broken_that_refreshes_works(self, endpoint: Endpoint, clock: Clock) -> None:
        expired("ada", endpoint)
        broken = LinkChanged(holding.PROVIDER, "ada", LinkState.TOKEN_REJECTED, timezone.now())
        cast.take_in(broken, source=holding.source(), now=timezone.now())
        (fact,) = run(refresher(endpoint), clock)
        assert isinstance(fact, LinkChanged) and fact.state is LinkState.ACTIVE


class TestScopes:
    @pytest.mark.parametrize("scope", [None, "daily heartrate workout", "workout daily  heartrate"])
    def test_the_same_in_whatever_order_or_nothing_says_nothing(
        self, endpoint: Endpoint, clock: Clock, scope: str | None
    ) -> None:
        endpoint.scope = scope
        expired("ada", endpoint)
        assert run(refresher(endpoint), clock) == []

    def test_fewer_are_lost_scopes(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.scope = "daily workout"
        expired("ada", endpoint)
        (fact,) = run(refresher(endpoint), clock)
        assert isinstance(fact, ScopesChanged)
        assert (fact.user_id, set(fact.scopes or ()), fact.removed) == ("ada", {"daily", "workout"}, ())
        assert abs(fact.happened_at - timezone.now()) < timedelta(minutes=1)

    def test_a_first_report_is_a_report(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.scope = "daily"
        expired("ada", endpoint, scopes=None)
        (fact,) = run(refresher(endpoint), clock)
        assert isinstance(fact, ScopesChanged) and fact.scopes == ("daily",)


class TestTheEnd:
    @pytest.mark.parametrize("status", [400, 401, 403, 200])
    def test_invalid_grant_ends_it_whatever_the_status(self, endpoint: Endpoint, clock: Clock, status: int) -> None:
        endpoint.misbehave = lambda _account: refusal(status, "invalid_grant", "Token has been revoked.")
        row = expired("ada", endpoint)
        (fact,) = run(refresher(endpoint), clock)
        row.refresh_from_db()
        assert isinstance(fact, LinkChanged) and fact.state is LinkState.TOKEN_REJECTED
        assert "invalid_grant" in fact.detail and "refresh-1" not in fact.detail
        assert (row.access, row.refresh, row.key_id) == (None, None, "") and row.ended_at is not None
        assert run(refresher(endpoint), clock) == [] and endpoint.asked == ["ada"]

    def test_a_newer_token_that_was_stored_meanwhile_is_not_ended(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)

        def consent_meanwhile(_account: str) -> Reply:
            def store() -> None:
                answer = TokenAnswer("access-9", "refresh-9", expires_in=3600)
                kept = Token.GrantedIn.TOKEN_RESPONSE
                how = provider(endpoint)
                tokens.store(row.pk, answer, requested=(), granted_in=kept, oauth=how, now=timezone.now())
                connection.close()

            other = threading.Thread(target=store)
            other.start()
            other.join()
            return refusal(400, "invalid_grant")

        endpoint.misbehave = consent_meanwhile
        assert run(refresher(endpoint), clock) == []
        assert pair(row) == ("access-9", "refresh-9") and row.ended_at is None

    def test_of_one_that_is_broken_anyway_nothing_is_reported(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        revoked = LinkChanged(holding.PROVIDER, "ada", LinkState.REVOKED, timezone.now())
        cast.take_in(revoked, source=holding.source(), now=timezone.now())
        endpoint.end("ada")
        assert run(refresher(endpoint), clock) == []
        row.refresh_from_db()
        assert row.ended_at is not None


class TestOurClientIsRefused:
    @pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "invalid_scope"])
    def test_it_ends_the_run_and_no_connection_changes(self, endpoint: Endpoint, clock: Clock, code: str) -> None:
        endpoint.misbehave = lambda _account: refusal(401 if code == "invalid_client" else 400, code)
        rows = [expired(f"user-{place}", endpoint) for place in range(30)]
        with pytest.raises(AccountRefused) as refused:
            run(refresher(endpoint), clock)
        assert "a-client-secret" not in str(refused.value)
        assert len(endpoint.asked) == 1, "the first alone finds out"
        assert all(as_before(row) and not row.error for row in rows)

    def test_those_on_their_way_are_kept_all_the_same(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.seconds = True, 0.02
        how: dict[str, Any] = {"rotates": Rotates.YES}
        rows = [expired(f"user-{place}", endpoint, **how) for place in range(20)]

        endpoint.misbehave = lambda account: refusal(401, "invalid_client") if account == "user-10" else None
        with pytest.raises(AccountRefused):
            run(refresher(endpoint, **how), clock)
        for row in rows:
            assert (
                pair(row)[1] == f"refresh-{endpoint.newest.get(row.connection.user_id, 1)}-of-{row.connection.user_id}"
            )


PAGE = (200, {"Content-Type": "text/html"}, b"<html>We will be back soon</html>")
LONG = (200, {"Content-Type": "application/json"}, b'{"access_token":"' + b"a" * 11_000_000 + b'"}')


class TestNoAnswer:
    @pytest.mark.parametrize(
        "reply",
        [
            (500, {}, b""),
            (503, {"Content-Type": "text/html"}, b"<html>down</html>"),
            (429, {}, b""),
            PAGE,
            LONG,
            (200, {"Content-Type": "application/json"}, b'{"scope": "daily"}'),
            refusal(400, "temporarily_unavailable"),
        ],
        ids=["500", "503", "429", "page", "10 MB", "no token", "temporarily"],
    )
    def test_it_leaves_the_connection_as_it_is(self, endpoint: Endpoint, clock: Clock, reply: Reply) -> None:
        endpoint.misbehave = lambda _account: reply
        row = expired("ada", endpoint)
        assert run(refresher(endpoint), clock) == []
        assert as_before(row) and row.error and row.failing_since is not None
        assert row.uncertain_since is None and row.refresh_at is not None and row.refresh_at > timezone.now()
        assert "a-client-secret" not in row.error and "refresh-1" not in row.error
        endpoint.misbehave = lambda _account: None
        assert run(refresher(endpoint), clock) == [] and len(endpoint.asked) == 1, "not at once again"
        clock.later = timedelta(minutes=2)
        run(refresher(endpoint), clock)
        row.refresh_from_db()
        assert len(endpoint.asked) == 2 and row.error == "" and row.failing_since is None

    def test_the_pauses_grow_to_an_hour(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda _account: (500, {}, b"")
        row = expired("ada", endpoint)
        pauses = []
        for _ in range(9):
            at = clock()
            run(refresher(endpoint), clock)
            row.refresh_from_db()
            assert row.refresh_at is not None
            pauses.append(int((row.refresh_at - at).total_seconds() / 60))
            clock.later += row.refresh_at - at
        assert pauses == [1, 1, 2, 4, 8, 16, 32, 60, 60]

    def test_retry_after_holds_for_all_of_the_source(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda _account: (429, {"Retry-After": "600"}, b"")
        for place in range(5):
            expired(f"user-{place}", endpoint)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == 1
        clock.later = timedelta(minutes=9)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == 1
        endpoint.misbehave = lambda _account: None
        clock.later = timedelta(minutes=11)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == 6

    def test_one_that_is_down_is_not_hammered(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda _account: (500, {}, b"")
        for place in range(40):
            expired(f"user-{place}", endpoint)
        run(refresher(endpoint), clock)
        assert len(endpoint.asked) == refresh.MOST_FAILURES

    def test_one_account_that_fails_does_not_hold_up_the_others(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.misbehave = lambda account: (500, {}, b"") if account == "user-0" else None
        rows = [expired(f"user-{place}", endpoint) for place in range(20)]
        run(refresher(endpoint), clock)
        for row in rows:
            row.refresh_from_db()
        assert [bool(row.error) for row in rows] == [True] + 19 * [False]

    def test_a_token_whose_key_is_gone_is_an_error_of_its_own(
        self, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = expired("ada", endpoint)
        monkeypatch.setenv(VARIABLE, NEW)
        assert run(refresher(endpoint), clock) == []
        row.refresh_from_db()
        assert "no key 'old'" in row.error and endpoint.asked == [] and row.uncertain_since is None

    def test_without_a_listener_nothing_is_uncertain(self, clock: Clock) -> None:
        unreachable = Endpoint(url="http://127.0.0.1:9/token")
        row = expired("ada", unreachable, rotates=Rotates.YES)
        run(refresher(unreachable, rotates=Rotates.YES), clock)
        assert as_before(row) and row.error and row.uncertain_since is None and row.refresh_at is not None


def drop_once(endpoint: Endpoint) -> None:
    """The first refresh is done, and its reply is lost."""

    def lose(_account: str) -> Reply | None:
        if len(endpoint.asked) == 1:
            raise Drop
        return None

    endpoint.misbehave = lose


class TestALostReply:
    def test_where_nothing_rotates_it_is_tried_again(self, endpoint: Endpoint, clock: Clock) -> None:
        drop_once(endpoint)
        row = expired("ada", endpoint)
        run(refresher(endpoint), clock)
        assert as_before(row) and row.uncertain_since is None
        clock.later = timedelta(minutes=2)
        run(refresher(endpoint), clock)
        row.refresh_from_db()
        assert (row.error, len(endpoint.asked)) == ("", 2)

    @pytest.mark.parametrize("rotates", [Rotates.YES, Rotates.OPTIONAL, Rotates.UNKNOWN])
    def test_where_it_rotates_it_is_uncertain_and_never_tried_again(
        self, endpoint: Endpoint, clock: Clock, rotates: Rotates
    ) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        drop_once(endpoint)
        row = expired("ada", endpoint, rotates=rotates)
        one = refresher(endpoint, rotates=rotates)
        assert run(one, clock) == []
        assert as_before(row) and row.uncertain_since is not None and row.refresh_at is None
        assert "nobody knows whether the refresh token was used up" in row.error
        clock.later = timedelta(days=3)
        assert run(one, clock) == []
        with pytest.raises(SourceUnavailable):
            one.usable(row.pk, clock)
        assert endpoint.asked == ["ada"] and not endpoint.ended, "reuse would have ended all that the person has"

    def test_within_the_grace_it_is_tried_once_more(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.grace = True, 1
        drop_once(endpoint)
        how: dict[str, Any] = {"rotates": Rotates.YES, "grace_seconds": 8 * 3600}
        row = expired("ada", endpoint, **how)
        run(refresher(endpoint, **how), clock)
        assert as_before(row) and row.uncertain_since is not None and row.refresh_at is not None
        clock.later = timedelta(minutes=6)
        run(refresher(endpoint, **how), clock)
        assert pair(row)[1] == "refresh-2-of-ada" and (row.error, row.failing_since) == ("", None)

    def test_where_the_grace_is_short_it_is_tried_at_once(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.grace = True, 1
        drop_once(endpoint)
        how: dict[str, Any] = {"rotates": Rotates.YES, "grace_seconds": 30}
        row = expired("ada", endpoint, **how)
        run(refresher(endpoint, **how), clock)
        assert pair(row)[1] == "refresh-2-of-ada" and len(endpoint.asked) == 2

    def test_after_the_grace_it_is_not(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        drop_once(endpoint)
        how: dict[str, Any] = {"rotates": Rotates.YES, "grace_seconds": 3600}
        row = expired("ada", endpoint, **how)
        run(refresher(endpoint, **how), clock)
        clock.later = timedelta(hours=2)
        run(refresher(endpoint, **how), clock)
        assert as_before(row) and row.refresh_at is None and endpoint.asked == ["ada"]

    def test_lost_twice_it_is_not_tried_a_third_time(self, endpoint: Endpoint, clock: Clock) -> None:
        def lose(_account: str) -> Reply | None:
            raise Drop

        endpoint.misbehave = lose
        how: dict[str, Any] = {"rotates": Rotates.YES, "may_retry": True}
        row = expired("ada", endpoint, **how)
        one = refresher(endpoint, **how)
        for _ in range(4):
            run(one, clock)
            clock.later += timedelta(minutes=10)
        row.refresh_from_db()
        assert len(endpoint.asked) == 2 and row.refresh_at is None and row.ended_at is None

    def test_an_answer_that_takes_too_long_is_lost_too(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.seconds = True, 1.0
        row = expired("ada", endpoint, rotates=Rotates.YES)
        run(refresher(endpoint, rotates=Rotates.YES), clock)
        assert as_before(row) and row.uncertain_since is not None

    def test_a_new_consent_ends_the_uncertainty(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = True
        drop_once(endpoint)
        row = expired("ada", endpoint, rotates=Rotates.YES)
        run(refresher(endpoint, rotates=Rotates.YES), clock)
        held_anew = TokenAnswer("access-2", "refresh-9-of-ada", expires_in=3600)
        how, kept = provider(endpoint, rotates=Rotates.YES), Token.GrantedIn.TOKEN_RESPONSE
        tokens.store(row.pk, held_anew, requested=(), granted_in=kept, oauth=how, now=timezone.now())
        row.refresh_from_db()
        assert row.uncertain_since is None and row.error == "" and row.refresh_at is not None


class TestOnDemand:
    def test_a_token_that_works_needs_no_request(self, endpoint: Endpoint, clock: Clock) -> None:
        row = held("ada", timezone.now(), provider(endpoint))
        assert refresher(endpoint).usable(row.pk, clock).access == "access-1-of-ada"
        assert endpoint.asked == []

    def test_one_that_has_ended_is_refreshed(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        found = refresher(endpoint).usable(row.pk, clock)
        assert (found.access, endpoint.asked) == (pair(row)[0], ["ada"])

    def test_one_that_was_rejected_is_refreshed_though_its_end_is_unknown(
        self, endpoint: Endpoint, clock: Clock
    ) -> None:
        endpoint.rotates = True
        how: dict[str, Any] = {"rotates": Rotates.YES}
        row = held("ada", timezone.now(), provider(endpoint, **how), expires_in=None)
        one = refresher(endpoint, **how)
        assert one.usable(row.pk, clock).access == "access-1-of-ada"
        assert one.usable(row.pk, clock, rejected="access-1-of-ada").refresh == "refresh-2-of-ada"

    def test_without_tokens_its_person_must_consent_again(self, endpoint: Endpoint, clock: Clock) -> None:
        row = expired("ada", endpoint)
        tokens.end(row.pk, timezone.now())
        with pytest.raises(CredentialDead):
            refresher(endpoint).usable(row.pk, clock)

    def test_without_a_refresh_token_as_well(self, endpoint: Endpoint, clock: Clock) -> None:
        row = held("ada", timezone.now() - 2 * AN_HOUR, provider(endpoint), refresh=None)
        with pytest.raises(CredentialDead):
            refresher(endpoint).usable(row.pk, clock)

    def test_twenty_at_once_refresh_once(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        endpoint.seconds = 0.2
        row = expired("ada", endpoint, rotates=Rotates.YES)
        found: list[str] = []
        one = refresher(endpoint, rotates=Rotates.YES)
        at_once(*[lambda: found.append(one.usable(row.pk, clock).access)] * 20)
        assert endpoint.asked == ["ada"] and found == [pair(row)[0]] * 20


class TestWhateverHappensToUs:
    def test_a_failing_consumer_loses_no_answer(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.seconds, endpoint.scope = True, 0.02, "daily"
        how: dict[str, Any] = {"rotates": Rotates.YES}
        rows = [expired(f"user-{place}", endpoint, **how) for place in range(30)]

        def record() -> None:
            for _ in refresher(endpoint, **how).due(clock, ALWAYS):
                if len(endpoint.asked) > 5:
                    raise OperationalError("disk full")

        with pytest.raises(OperationalError):
            record()
        for row in rows:
            name = row.connection.user_id
            assert pair(row)[1] == f"refresh-{endpoint.newest.get(name, 1)}-of-{name}"

    def test_a_fault_of_ours_costs_the_others_nothing_and_shows_no_token(
        self, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        rows = [expired(f"user-{place}", endpoint) for place in range(6)]
        whole = authorization_server.refresh

        def broken(oauth: OAuth, client: Client, token: str, calls: Calls) -> TokenAnswer:
            if token.endswith("user-3"):
                raise KeyError(token)
            return whole(oauth, client, token, calls)

        monkeypatch.setattr(authorization_server, "refresh", broken)
        with caplog.at_level(logging.DEBUG):
            run(refresher(endpoint), clock)
        for row in rows:
            row.refresh_from_db()
        assert [bool(row.error) for row in rows] == [False] * 3 + [True] + [False] * 2
        assert "KeyError" in caplog.text and "refresh-1" not in caplog.text and "refresh-1" not in rows[3].error

    def test_logs_show_no_token_and_no_address(
        self, endpoint: Endpoint, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        expired("ada", endpoint)
        expired("ben", endpoint)
        endpoint.misbehave = lambda account: (500, {}, b"") if account == "ben" else None
        with caplog.at_level(logging.DEBUG):
            run(refresher(endpoint), clock)
        for secret in ("access-", "refresh-1", "a-client-secret", endpoint.url.rpartition("/")[0]):
            assert secret not in caplog.text


PROCESS = """
import django; django.setup()
from django.utils import timezone
from tests.sources.oauth2 import test_refresh, token_endpoint
from scopes.catalogue.oauth import Rotates
one = test_refresh.refresher(token_endpoint.Endpoint(url={url!r}), limits=test_refresh.Limits(read=20.0), **{how!r})
print("ready", flush=True)
input()
test_refresh.run(one, timezone.now)
"""


@contextmanager
def other_process(endpoint: Endpoint, how: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that refreshes what is due, once it is told to."""
    database = connection.settings_dict
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
    }
    program = PROCESS.format(url=endpoint.url, how=how)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=variables,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def signal_to(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def killed_in_the_middle(endpoint: Endpoint, how: dict[str, Any]) -> None:
    """A process has sent a refresh, and is killed before it is answered."""
    endpoint.seconds = 30.0
    with other_process(endpoint, how) as process:
        signal_to(process)
        while not endpoint.asked:
            time.sleep(0.02)
    endpoint.seconds = 0.0


HOW: dict[str, Any] = {"rotates": "yes"}


class TestProcesses:
    def test_two_at_once_never_spend_a_token_twice(self, endpoint: Endpoint) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        endpoint.seconds = 0.01
        rows = [expired(f"user-{place}", endpoint, rotates=Rotates.YES) for place in range(150)]
        with other_process(endpoint, HOW) as one, other_process(endpoint, HOW) as other:
            signal_to(one)
            signal_to(other)
            assert (one.wait(60), other.wait(60)) == (0, 0)
        assert len(endpoint.asked) == len(set(endpoint.asked)) == 150 and not endpoint.ended
        assert {pair(row)[1] for row in rows} == {f"refresh-2-of-user-{place}" for place in range(150)}

    def test_one_that_is_killed_in_the_middle_leaves_nothing_but_uncertainty(
        self, endpoint: Endpoint, clock: Clock
    ) -> None:
        endpoint.rotates = endpoint.reuse_ends = True
        row = expired("ada", endpoint, rotates=Rotates.YES)
        killed_in_the_middle(endpoint, HOW)
        one = refresher(endpoint, rotates=Rotates.YES)
        assert run(one, clock) == [] and endpoint.asked == ["ada"], "its lease is not over"
        clock.later = leases.LEASE + timedelta(seconds=1)
        assert run(one, clock) == []
        assert as_before(row) and row.uncertain_since is not None and endpoint.asked == ["ada"]
        link = Connection.objects.get(pk=row.pk).standing.link
        assert link == "active", "nobody is blamed"

    def test_where_the_entry_allows_it_the_killed_one_is_made_good(self, endpoint: Endpoint, clock: Clock) -> None:
        endpoint.rotates, endpoint.grace = True, 1
        how: dict[str, Any] = {"rotates": Rotates.YES, "may_retry": True}
        row = expired("ada", endpoint, **how)
        killed_in_the_middle(endpoint, {"rotates": "yes", "may_retry": True})
        clock.later = leases.LEASE + timedelta(seconds=1)
        assert run(refresher(endpoint, **how), clock) == []
        assert pair(row)[1] == "refresh-2-of-ada" and row.uncertain_since is None
