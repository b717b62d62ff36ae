"""Failed nightly audits: one killed while it lists, one without Terra. The next night completes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from tests.faults.machine import KEYS, Machine, Machines, free_port, kill, manage, until

pytestmark = pytest.mark.faults
CONNECTIONS, PAGE, HELD_PAGE = 2000, 500, 2
WORDS = ("audit_connections", "--json")
KNOWN = "SELECT count(*) FROM scopes_connection"


@pytest.fixture(scope="module")
def terra(machines: Machines) -> Iterator[str]:
    """The address of a sandbox to list from, a process of its own."""
    machine = machines()
    command = manage("sandbox", "--port=0", f"--connections={CONNECTIONS}")
    with machine.running(command, stdout=-1) as sandbox:
        assert sandbox.stdout is not None
        with closing(sandbox.stdout) as output:
            yield json.loads(output.readline())["base_url"]


@pytest.fixture(scope="module")
def somebody(terra: str) -> dict[str, Any]:
    """A user in the middle of Terra's listing."""
    answer = requests.get(
        f"{terra}/subscriptions",
        params={"page": HELD_PAGE, "per_page": PAGE},
        headers={"dev-id": KEYS["DEV_ID"], "x-api-key": KEYS["API_KEY"]},
        timeout=10,
    )
    users: list[dict[str, Any]] = answer.json()["data"]["results"]
    return next(user for user in users if user["reference_id"])


@pytest.fixture(scope="module")
def evening(
    machines: Machines, terra: str, somebody: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Machine:
    """A portal that knows one person, from a file."""
    file = tmp_path_factory.mktemp("evening") / "known.jsonl"
    file.write_text(json.dumps({key: somebody[key] for key in ("provider", "user_id")}))
    machine = machines()
    machine.run("import_connections", file, "--source=terra:sandbox", "--as-of=2026-01-01", "--apply")
    return machine


@pytest.fixture(scope="module")
def undisturbed(machines: Machines, evening: Machine, terra: str) -> Machine:
    """The portal after an undisturbed night."""
    machine = machines(like=evening)
    audit(machine, terra)
    return machine


def test_a_night_that_was_killed_while_it_listed_is_continued(
    machines: Machines, evening: Machine, undisturbed: Machine, terra: str, somebody: dict[str, Any]
) -> None:
    killed = machines(like=evening)
    killed.variables["TERRA_SANDBOX_BASE_URL"] = terra
    with killed.locked_row(somebody["user_id"]) as a_write_waits, killed.running(manage(*WORDS)) as night:
        until(lambda: a_write_waits() and killed.number(KNOWN) > PAGE)
        kill(night)
    until(killed.has_no_other_session)
    assert killed.number(KNOWN) < CONNECTIONS

    assert audit(killed, terra)["resumed"] == 1

    assert killed.number("SELECT count(*) FROM scopes_listing WHERE finished_at IS NOT NULL") == 1
    assert killed.records() == undisturbed.records()
    assert killed.history(times=False) == undisturbed.history(times=False)
    assert killed.contradictions() == {}


def test_a_night_without_terra_makes_nothing_unconfirmed_and_audits_what_is_known(
    machines: Machines, undisturbed: Machine, terra: str
) -> None:
    alone = machines(like=undisturbed)
    before = alone.history(times=True)

    report = audit(alone, f"http://127.0.0.1:{free_port()}/api/v2", code=1)

    assert alone.history(times=True) == before
    assert report["counts"]["connections"] == CONNECTIONS
    assert "listing_failed" in {finding["code"] for finding in report["findings"]}
    assert audit(alone, terra)["state"] == "done"
    assert alone.history(times=True) == before


def audit(machine: Machine, terra: str, *, code: int = 0) -> dict[str, Any]:
    """The report of a night with that Terra, which ended with that exit code and found no contradiction."""
    machine.variables["TERRA_SANDBOX_BASE_URL"] = terra
    report: dict[str, Any] = json.loads(machine.run(*WORDS, code=code))
    assert "inconsistent" not in {finding["code"] for finding in report["findings"]}
    return report
