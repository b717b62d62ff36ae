"""How fast tokens are refreshed, with rotation and without; and a night over connections whose tokens we hold.

The provider is a process of its own (see `token_provider`). For comparison the same refreshes are done row by row with
requests-oauthlib: read the row, send, store, one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import batched

import requests
from django.utils import timezone
from requests_oauthlib import OAuth2Session

from benchmarks import token_provider
from benchmarks.population import vacuum
from portal.embedded_postgres import CHECKOUT
from scopes import flow
from scopes.facts import ConsentGiven, Origin, OriginKind
from scopes.models import Connection, Listing, Period, Source, Token
from scopes.sources import registry
from scopes.sources.oauth2 import vault
from scopes.sync import refreshes

Row = tuple[str, str]
NAME, SLUG = "bench", "bench"
SAMPLE = 1_000
BATCH = 2_000
KEY = "bench:" + "QUJD" * 10 + "QUI="
SCOPES = tuple(token_provider.GRANTED.split())


def run(refreshed: int, held: int) -> list[Row]:
    """Rows of (what, figure) for `refreshed` tokens that are due, and for a night over `held` connections."""
    rows: list[Row] = []
    with providing() as url:
        hold(max(refreshed, held))
        for issuer, what in (("same", "without rotation"), ("rotating", "with rotation")):
            _due(SAMPLE)
            by_row = _row_by_row(f"{url}/{issuer}")
            _due(refreshed)
            rate = _refresh(f"{url}/{issuer}", refreshed)
            ratio = f"{rate / by_row:.1f} times requests-oauthlib row by row ({by_row:,.0f}/s)"
            rows.append((f"tokens refreshed, {refreshed:,} {what}", f"{rate:,.0f}/s, {ratio}"))
        vacuum()
        for issuer, asked_before, what in (
            ("same", timedelta(), "nothing is due, nobody is asked"),
            ("same", timedelta(days=30), "everybody is asked, nothing changed"),
            ("fewer", timedelta(days=30), "everybody is asked, and has lost a scope"),
        ):
            seconds, memory = _night(f"{url}/{issuer}", asked_before)
            number = Token.objects.count()
            figure = f"{number / seconds:,.0f}/s, {seconds:.1f} s, {memory:.0f} MB"
            rows.append((f"night over {number:,} whose tokens we hold: {what}", figure))
            vacuum()
    assert Period.objects.filter(until__isnull=False).count() == Connection.objects.count(), "all of them have lost one"
    return rows


@contextmanager
def providing() -> Iterator[str]:
    """The address of the provider, while it runs."""
    command = [sys.executable, "-m", "benchmarks.token_provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as server:
        assert server.stdout
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.terminate()


def reference_of(place: int) -> str:
    """The reference id of the connection at this place; that of a person, where the tables are populated."""
    return f"user-{place + 1}"


def hold(number: int) -> None:
    """That many connections, each with tokens that are not due."""
    os.environ["SCOPES_TOKEN_KEYS"] = KEY
    source = Source.objects.create(kind="oauth2", name=NAME)
    now = timezone.now()
    origin = Origin(source.key, OriginKind.RETURN, "bench")
    facts = (ConsentGiven(SLUG, f"account-{place}", now, reference_of(place), SCOPES) for place in range(number))
    flow.take_in(source, facts, origin, now)
    made = Connection.objects.filter(integration__source=source).order_by("pk")
    for rows in batched(made.values_list("pk", "user_id"), BATCH):
        Token.objects.bulk_create(_tokens(pk, account, now) for pk, account in rows)
    vacuum()


def _tokens(pk: int, account: str, now: datetime) -> Token:
    ends = now + timedelta(days=1)
    return Token(
        connection_id=pk, access=vault.seal(pk, "access", f"{'x' * 40}.{account}"), key_id=vault.first_key(),
        refresh=vault.seal(pk, "refresh", f"{'x' * 40}.1.{account}"), requested=SCOPES, granted_in="token_response",
        obtained_at=now, asked_at=now, access_expires_at=ends, refresh_at=ends - timedelta(minutes=5),
    )  # fmt: skip


def _due(number: int) -> None:
    pks = Token.objects.order_by("pk").values("pk")[:number]
    Token.objects.filter(pk__in=pks).update(refresh_at=timezone.now(), failing_since=None)


def settings(issuer: str) -> dict[str, str]:
    """What sets the client up."""
    return {
        "OAUTH2_CLIENTS": NAME,
        "OAUTH2_BENCH_CLIENT_ID": "bench",
        "OAUTH2_BENCH_CLIENT_SECRET": "bench",
        "OAUTH2_BENCH_ISSUER": issuer,
        "OAUTH2_BENCH_REQUESTS_PER_SECOND": "0",
        "PORTAL_URL": "http://127.0.0.1",
    }


def _refresh(issuer: str, number: int) -> float:
    """Connections a second, as the job refreshes them; each must hold new tokens afterwards."""
    os.environ.update(settings(issuer))
    began_at, began = timezone.now(), time.perf_counter()
    refreshes.refresh_due(Source.objects.get(), registry.gateway("oauth2", NAME), timezone.now, lambda: True)
    seconds = time.perf_counter() - began
    assert Token.objects.filter(refreshed_at__gte=began_at, error="").count() == number
    return number / seconds


def _row_by_row(issuer: str) -> float:
    """Connections a second, refreshed one by one by requests-oauthlib over one session, and stored by `save`."""
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    session = OAuth2Session("bench")
    endpoint = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()["token_endpoint"]
    due = list(Token.objects.filter(refresh_at__lte=timezone.now()).values_list("pk", flat=True))
    began = time.perf_counter()
    for pk in due:
        row = Token.objects.get(pk=pk)
        assert row.refresh is not None
        token = vault.open_(pk, "refresh", row.refresh)
        answer = session.refresh_token(endpoint, refresh_token=token, auth=("bench", "bench"), timeout=10)
        row.access = vault.seal(pk, "access", answer["access_token"])
        row.refresh = vault.seal(pk, "refresh", answer.get("refresh_token", token))
        row.refreshed_at = timezone.now()
        row.access_expires_at = row.refreshed_at + timedelta(seconds=answer["expires_in"])
        row.refresh_at = row.access_expires_at - timedelta(minutes=5)
        row.save()
    return len(due) / (time.perf_counter() - began)


def _night(issuer: str, asked_before: timedelta) -> tuple[float, float]:
    """Seconds of the listing, and the peak memory of its process in MB."""
    now = timezone.now()
    later = now + timedelta(days=1)
    Token.objects.update(asked_at=now - asked_before, access_expires_at=later, refresh_at=later - timedelta(minutes=5))
    command = [sys.executable, "manage.py", "sync_connections", f"oauth2:{NAME}", "--json"]
    process = subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, **settings(issuer)}, stdout=subprocess.PIPE)
    assert process.stdout
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"sync_connections ended with {status}: {said.decode()}"
    walk = Listing.objects.latest("pk")
    assert walk.finished_at
    assert walk.counts["users"] == Token.objects.count(), walk.counts
    return (walk.finished_at - walk.started_at).total_seconds(), used.ru_maxrss / 1024
