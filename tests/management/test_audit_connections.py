"""`audit_connections`: its exit codes, its report, and what it finds."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection
from django.utils import timezone

from scopes import nightly
from scopes.audit.report import CODES
from scopes.models import AuditRun, Connection, RequestBudget, Suspicion
from tests import cast as people
from tests import command_line
from tests.management.output import output_of
from tests.terra_sandbox import KEYS, listed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("cast")
def test_an_audit_ends_with_0_and_with_3_where_it_finds_what_was_named() -> None:
    done = command_line.run("audit_connections", "--offline")
    found = command_line.run(
        "audit_connections", "--offline", "--fail-on", "unconfirmed", "--fail-on", "blocked", "--json"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "  blocked: 1 connection is blocked" in done.stdout
    assert (found.returncode, found.stderr) == (3, "Found: blocked.\n")
    assert json.loads(found.stdout)["state"] == "done"
    assert list(AuditRun.objects.order_by("pk").values_list("exit_code", flat=True)) == [0, 3]


def test_an_audit_that_finds_nothing_of_what_was_named_ends_with_0() -> None:
    assert command_line.run("audit_connections", "--offline", "--fail-on", "blocked", "broken").returncode == 0


def test_an_audit_that_could_not_list_ends_with_1_and_still_reports() -> None:
    with listed(3) as terra:
        terra.add_fault(kind="401", times=1)
        failed = command_line.run(
            "audit_connections",
            "terra:sandbox",
            "--fail-on",
            "listing_failed",
            TERRA_ENVIRONMENTS="sandbox",
            TERRA_SANDBOX_DEV_ID=KEYS["dev_id"],
            TERRA_SANDBOX_API_KEY=KEYS["api_key"],
            TERRA_SANDBOX_BASE_URL=f"{terra.sandbox.url}/api/v2",
        )

    assert failed.returncode == 1
    assert "sandbox could not be listed" in failed.stderr
    assert "listing_failed: 1 source could not be listed" in failed.stdout
    assert KEYS["api_key"] not in failed.stdout + failed.stderr
    assert RequestBudget.objects.filter(key="terra:sandbox").exists(), "it kept to the rate limit"
    assert AuditRun.objects.get().exit_code == 1


def test_an_audit_without_an_environment_ends_with_1_and_names_the_missing_settings() -> None:
    failed = command_line.run("audit_connections")

    assert (failed.returncode, failed.stdout) == (1, "")
    assert (
        failed.stderr
        == "CommandError: No source is set up that can be listed. See docs/operations.md, or say --offline.\n"
    )


def test_an_audit_during_another_ends_with_75_and_leaves_no_run() -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [nightly.LOCK])
        refused = command_line.run("audit_connections", "--offline")
    finally:
        other.close()

    assert (refused.returncode, refused.stdout, refused.stderr) == (75, "", "CommandError: Another audit is running.\n")
    assert not AuditRun.objects.exists()


@pytest.mark.usefixtures("cast")
def test_an_audit_of_one_provider_reports_it_alone_and_counts_all() -> None:
    out, err = StringIO(), StringIO()
    words = ("--offline", "--provider", "oura", "--fail-on", "blocked>=25%", "broken@oura>25%", "ok<2")

    with pytest.raises(SystemExit) as ended:
        call_command("audit_connections", *words, stdout=out, stderr=err)
    with pytest.raises(CommandError) as wrong:
        call_command("audit_connections", "--offline", "--fail-on", "blocked@oora", stdout=out, stderr=err)

    assert (ended.value.code, err.getvalue()) == (3, "Found: blocked>=25%.\n")
    assert "  oura  " in out.getvalue() and "fitbit" not in out.getvalue()
    assert set(AuditRun.objects.get().counts["sources"]["terra:prod"]["integrations"]) > {"oura", "fitbit"}
    assert (str(wrong.value), wrong.value.returncode) == ("There is no provider and no source oora.", 2)


@pytest.mark.usefixtures("cast")
def test_the_audit_finds_a_scope_that_no_recent_consent_granted() -> None:
    at, now = timezone.now() - timedelta(days=2), timezone.now()
    without = tuple(scope for scope in people.EVERYTHING if scope != "heartrate")
    people.take_in(*(people.consent(f"n{one}", "oura", without, at) for one in range(20)), now=now)
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("audit_connections", "--offline", "--fail-on", "suspicion", stdout=out, stderr=StringIO())

    assert ended.value.code == 3
    assert (
        "suspicion: 1 requested scope was granted by no one who consented recently (oura heartrate)" in out.getvalue()
    )
    assert Suspicion.objects.get().consents == 20


@pytest.mark.usefixtures("cast")
def test_the_audit_reports_who_returned() -> None:
    output_of("erase_person", "ref-ben", "--apply")
    people.take_in(people.consent("ben", "oura", people.EVERYTHING))
    report = output_of("audit_connections", "--offline")
    assert "previously_erased: 1 person or connection was reported again after an erasure" in report
    assert Connection.objects.get(user_id="ben-oura").previously_erased_on is not None
    assert "previously_erased" not in output_of("audit_connections", "--offline"), "once"


def test_every_finding_can_be_named_to_fail_on() -> None:
    data = load_command_class("scopes", "audit_connections").create_parser("manage.py", "").format_help()

    assert [code for code in CODES if code not in data] == []
