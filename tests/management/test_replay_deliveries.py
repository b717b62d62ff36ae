"""The command lists deliveries that were stored and not processed, and processes them on request."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from scopes.models import Connection, Delivery, Period
from scopes.sources.events import EventProof
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sync import webhook
from scopes.sync.body import Body
from scopes.sync.deliveries import process
from tests.sources.terra.conftest import event
from tests.terra_sandbox import gateway_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
PRODUCTION = gateway_of(Terra(Environment("production", dev_id="live", api_key="key", production=True)))


def store(payload: dict[str, Any]) -> int:
    body = json.dumps(payload).encode()
    return webhook.store(PRODUCTION, Body(body), EventProof(NOW, NOW), stale_after=timedelta(seconds=300), now=NOW)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("replay_deliveries", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def deliveries() -> dict[str, int]:
    """One pending delivery, one that failed, one that is processed."""
    stored = {
        "done": store(event("healthcheck")),
        "waiting": store(event("auth")),
        "failed": store({"type": "deauth", "user": {"provider": "OURA"}}),
    }
    for name in ("done", "failed"):
        process(stored[name], NOW)
    return stored


def test_it_lists_and_changes_nothing(deliveries: dict[str, int]) -> None:
    output = run().splitlines()
    received = "terra:production  {}  received 2026-11-20T06:00:00+00:00  attempts {}  {}"
    assert output == [
        f"{deliveries['waiting']}  {received.format('auth', 0, 'waiting')}",
        f"{deliveries['failed']}  {received.format('deauth', 1, 'failed')}  PayloadError: a user without user_id",
        "Deliveries: 1 failed, 1 waiting.",
        "Nothing was changed. Add --apply to process them.",
    ]
    assert not Connection.objects.exists()


def test_applied_it_processes_them_once(deliveries: dict[str, int]) -> None:
    assert run("--apply").splitlines()[-1] == "Deliveries: 1 failed, 1 processed."
    assert Period.objects.get().origin_record == f"delivery:{deliveries['waiting']}"
    assert run("--apply").splitlines()[-1] == "Deliveries: 1 failed."
    assert Period.objects.count() == 1
    assert Delivery.objects.get(pk=deliveries["failed"]).attempts == 3


def test_the_failed_alone_can_be_selected_and_another_failure_is_reported(deliveries: dict[str, int]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--failed", "--apply", "--fail-on", "failed")
    assert ended.value.code == 3
    assert not Connection.objects.exists()


def test_named_ones_are_processed_whatever_their_status(deliveries: dict[str, int]) -> None:
    done, waiting = str(deliveries["done"]), str(deliveries["waiting"])
    assert [json.loads(line)["result"] for line in run("--id", done, waiting, "--json").splitlines()] == [
        "processed",
        "waiting",
    ]
    assert [json.loads(line)["result"] for line in run("--id", done, waiting, "--json", "--apply").splitlines()] == [
        "processed",
        "processed",
    ]
    assert Delivery.objects.get(pk=deliveries["done"]).attempts == 2


def test_an_unknown_id_stops_it_before_anything_is_done(deliveries: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="There is no delivery 0"):
        run("--id", "0", str(deliveries["waiting"]), "--apply")
    assert not Connection.objects.exists()


def test_nothing_pending_is_reported(db: None) -> None:
    assert run() == "Deliveries: none.\n"
