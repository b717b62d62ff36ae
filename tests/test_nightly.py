"""The nightly audit as a whole, over real HTTP: what it finds, what it survives, and that one runs at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction

from scopes import nightly
from scopes.audit import report
from scopes.models import AuditRun, Connection, Delivery, Listing, LiveCheck, Period
from scopes.sources.terra.client import Terra
from scopes.sync import live_check
from scopes.sync.rate_limit import Calls, with_rate_limiter
from tests import cast as people
from tests.audit.nightly import run
from tests.terra_sandbox import KEYS, Listed, listed

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def terra() -> Iterator[Listed]:
    with listed(60) as found:
        yield found


@pytest.mark.django_db
def test_a_night_lists_judges_counts_and_compares(terra: Listed) -> None:
    first = run(terra.gateway)
    gone = Connection.objects.filter(standing__link="active", integration__provider__retired_on=None).first()
    assert gone is not None
    terra.forget(gone.user_id)

    second = run(terra.gateway, days=1)

    assert first.state == second.state == AuditRun.State.DONE
    assert first.counts["connections"] == terra.population.connections
    assert first.changes == {}
    result = second.counts["listings"]["terra:sandbox"]
    assert (result["new"], result["changed"], result["unconfirmed"], result["gone"]) == (0, 0, 1, 1)
    provider = gone.integration.provider.slug
    assert second.changes[f"sources / terra:sandbox / integrations / {provider} / link / gone"] == 1
    assert second.changes["sources / terra:sandbox / health / broken"] == 1
    assert ("newly_broken", 1) in [(finding["code"], finding["number"]) for finding in second.findings]


@pytest.mark.usefixtures("cast")
def test_an_environment_that_is_down_is_reported_and_the_rest_is_audited(terra: Listed) -> None:
    terra.add_fault(kind="401", times=1)

    night = run(terra.gateway)

    assert night.state == AuditRun.State.FAILED
    assert "sandbox could not be listed" in night.error
    assert night.counts["connections"] == 7
    assert "listing_failed" in {finding["code"] for finding in night.findings}


OFFLINE = [
    "pending deliveries", "quarantine", "deliveries that waited", "unclaimed connections", "n-grams of names", "expiry",
    "catalogue", "moves to successors", "suspicions", "previously erased", "silence", "census", "compare",
    "consistency", "report", "prune", "notify",
]  # fmt: skip


@pytest.mark.usefixtures("cast")
def test_each_step_of_a_night_is_timed(terra: Listed) -> None:
    steps = run(terra.gateway).steps

    names = [one["step"] for one in steps]
    listing = names.index("listing terra:sandbox")
    assert names[listing - 2 : listing + 3] == [
        "deferred jobs", "quarantine", "listing terra:sandbox", "live checks terra:sandbox", "deliveries that waited"
    ]  # fmt: skip
    assert [name for name in names if ":" not in name and name != "deferred jobs"] == OFFLINE
    assert all(one["seconds"] >= 1 for one in steps), "the clock of this test goes on by a second each time"


@pytest.mark.parametrize("failing", ["census", "consistency", "prune"])
@pytest.mark.usefixtures("cast")
def test_a_night_that_is_continued_begins_with_the_step_that_was_not_done(
    failing: str, terra: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(terra.gateway)
    steps = nightly._steps

    def failing_steps(gateways: object, *, offline: bool) -> Iterator[nightly.Step]:
        for step in steps([terra.gateway], offline=offline):
            yield nightly.Step(step.name, broken) if step.name == failing else step

    monkeypatch.setattr(nightly, "_steps", failing_steps)
    with pytest.raises(ZeroDivisionError):
        run(terra.gateway, days=1)
    monkeypatch.undo()
    cut_off = AuditRun.objects.get(state=AuditRun.State.RUNNING)
    walked = Listing.objects.count()
    night = run(terra.gateway, days=1)

    assert (cut_off.step, night.pk, night.resumed, night.state) == (failing, cut_off.pk, 1, AuditRun.State.DONE)
    assert [one["step"] for one in night.steps] == [one["step"] for one in whole.steps]
    assert night.steps[: len(cut_off.steps)] == cut_off.steps, "what was done is not done again"
    assert Listing.objects.count() == walked
    assert night.counts["sources"] == whole.counts["sources"]
    assert night.counts["listings"]["terra:sandbox"]["unchanged"] == terra.population.connections
    assert night.findings == [one for one in whole.findings if not one["code"].startswith("newly")]


def broken(_night: nightly.Night) -> None:
    raise ZeroDivisionError


@pytest.mark.usefixtures("cast")
def test_a_night_that_is_continued_a_day_later_does_everything_anew(terra: Listed) -> None:
    run(terra.gateway)
    cut_off = AuditRun.objects.get()
    AuditRun.objects.update(state=AuditRun.State.RUNNING, finished_at=None, steps=cut_off.steps[:6])

    night = run(terra.gateway, days=1)

    assert (night.pk, night.resumed) == (cut_off.pk, 1)
    assert Listing.objects.count() == 2


@pytest.mark.django_db
def test_a_night_with_a_limit_of_calls_stops_there_and_the_next_goes_on(terra: Listed) -> None:
    pages = len(list(terra.client.listing(per_page=20)))
    limited = with_rate_limiter(terra.gateway, Calls(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Terra.listing, "__defaults__", (0, 20, 1, None))
        first = run(limited)
        half = Listing.objects.get()
        second = run(terra.gateway)

    assert pages > 3
    assert (first.state, first.error) == (
        AuditRun.State.FAILED, "terra:sandbox could not be listed: the limit of calls is used up (2)"
    )  # fmt: skip
    assert (half.finished_at, half.next_page) == (None, 2)
    assert first.counts["connections"] == 40
    assert second.state == AuditRun.State.DONE
    assert second.counts["connections"] == terra.population.connections
    assert second.counts["listings"]["terra:sandbox"]["pages"] == pages - 1


@pytest.mark.django_db
def test_a_provider_that_retires_overnight_is_judged_so_in_the_morning() -> None:
    people.take_in(people.consent("ada", "google_fit", ("fitness.sleep.read",)))
    assert run().counts["sources"]["terra:prod"]["health"] == {"ok": 1}

    new_year = (people.NOW.replace(year=2027, month=1, day=2) - people.NOW).days
    assert run(days=new_year).counts["sources"]["terra:prod"]["health"] == {"broken": 1}


@pytest.mark.django_db
def test_the_night_answers_waiting_live_checks(terra: Listed) -> None:
    run(terra.gateway)
    rows = Connection.objects.order_by("pk")[:3]
    LiveCheck.objects.bulk_create(live_check.new_checks(rows, "rex", people.NOW))

    run(terra.gateway, days=1)

    assert set(LiveCheck.objects.values_list("author", "answer")) == {("rex", "known")}


@pytest.mark.usefixtures("cast")
def test_a_silent_source_is_reported_with_its_last_webhook() -> None:
    result = Delivery.objects.create(
        source=people.terra(), digest=uuid4(), kind="auth", signed_at=people.NOW, received_at=people.NOW
    )
    Delivery.objects.filter(pk=result.pk).update(processed_at=people.NOW)
    assert "silent" not in {finding["code"] for finding in run().findings}

    night = run(days=2)

    (found,) = (finding for finding in night.findings if finding["code"] == "silent")
    assert found["text"] == (
        "silent: 1 source sent no webhook for longer than usual (terra:prod: none for 48 h, and 24 h are usual at most)"
    )
    assert "  terra:prod: last webhook 2026-11-20 06:00 UTC" in report.as_text(night).splitlines()
    assert night.changes == {}


@pytest.mark.django_db(transaction=True)
def test_a_second_run_at_the_same_time_is_refused() -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [nightly.LOCK])
        with pytest.raises(nightly.AlreadyRunning):
            run()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [nightly.LOCK])
    finally:
        other.close()
    assert not AuditRun.objects.exists()
    assert run().state == AuditRun.State.DONE


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_killed_is_continued_by_the_next(tmp_path: Path) -> None:
    with listed(1500) as terra:
        terra.add_fault(kind="slow", path="/subscriptions", rate=1.0, seconds=0.5)
        killed = audit(terra)
        until(lambda: Connection.objects.count() > 400)
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
        half = Connection.objects.count()
        terra.control("DELETE", "faults")
        (tmp_path / "report").write_bytes(audit(terra).communicate(timeout=120)[0])

        assert 0 < half < terra.population.connections
        assert Connection.objects.count() == terra.population.connections

    result = json.loads((tmp_path / "report").read_text())
    assert (result["state"], result["resumed"]) == ("done", 1)
    assert AuditRun.objects.get().pk == result["run"]
    assert Listing.objects.get().finished_at is not None
    assert Period.objects.filter(until__isnull=True).count() == Connection.objects.count() == Period.objects.count()


@pytest.mark.django_db
def test_a_run_that_is_continued_offline_reports_that_nothing_was_listed() -> None:
    killed = AuditRun.objects.create(started_at=people.NOW, step="listing sandbox")

    night = run()

    assert (night.pk, night.resumed, night.offline, night.step) == (killed.pk, 1, True, "")


def audit(terra: Listed) -> subprocess.Popen[bytes]:
    """`audit_connections terra:sandbox --json` as a process of its own, on this test's database."""
    settings = connection.settings_dict
    host = settings["HOST"] or ""
    keys = {
        "DATABASE_URL": f"postgresql://{settings['USER']}@:{settings['PORT'] or 5432}/{settings['NAME']}?host={host}",
        "PORTAL_MODE": "development",
        "TERRA_ENVIRONMENTS": "sandbox",
        "TERRA_SANDBOX_DEV_ID": KEYS["dev_id"],
        "TERRA_SANDBOX_API_KEY": KEYS["api_key"],
        "TERRA_SANDBOX_BASE_URL": f"{terra.sandbox.url}/api/v2",
    }
    return subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "audit_connections", "terra:sandbox", "--json"],
        env={**os.environ, **keys, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with transaction.atomic():
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError("It did not happen within 60 seconds.")


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_was_stored_and_not_processed_is_processed_at_night() -> None:
    user = {"user_id": "u", "provider": "OURA", "reference_id": "ref-ada", "scopes": "email,daily", "active": True}
    pending = Delivery.objects.create(
        source=people.terra(),
        digest="00000000-0000-0000-0000-000000000001",
        kind="auth",
        body={"type": "auth", "status": "success", "user": user},
        signed_at=people.NOW - timedelta(hours=1),
        received_at=people.NOW - timedelta(hours=1),
    )

    assert run().counts["connections"] == 1

    pending.refresh_from_db()
    assert pending.processed_at is not None
