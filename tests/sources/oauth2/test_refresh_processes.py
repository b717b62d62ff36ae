"""Whatever happens to our processes, no token is spent twice, and no answer that came is lost."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from portal.embedded_postgres import CHECKOUT
from scopes.catalogue.oauth import OAuth, Rotates
from scopes.models import Connection
from scopes.sources.calls import Calls
from scopes.sources.oauth2 import client as authorization_server
from scopes.sources.oauth2 import leases
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.clients import Client
from tests.sources.oauth2.refreshing import (
    ALWAYS,
    Clock,
    as_before,
    clock,
    endpoint,
    expired,
    pair,
    refresher,
    run,
)
from tests.sources.oauth2.token_endpoint import Endpoint

__all__ = ["clock", "endpoint"]
pytestmark = pytest.mark.django_db(transaction=True)


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

        def broken(oauth: OAuth, client: Client, token: str, calls: Calls, callback_url: str) -> TokenAnswer:
            if token.endswith("user-3"):
                raise KeyError(token)
            return whole(oauth, client, token, calls, callback_url)

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
from tests.sources.oauth2 import refreshing, token_endpoint
from scopes.catalogue.oauth import Rotates
one = refreshing.refresher(token_endpoint.Endpoint(url={url!r}), limits=refreshing.Limits(read=20.0), **{how!r})
print("ready", flush=True)
input()
refreshing.run(one, timezone.now)
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
