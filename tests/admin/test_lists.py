"""The lists: filters that say what they say, pages that end, and what only some may read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from scopes.admin import connections, read_only
from scopes.facts import ConsentGiven
from scopes.models import AuditRun, Delivery, Provider, ReauthLink, Source, TrailEntry
from tests import cast as people


def names(browser: Client, **asked: str | int) -> list[str]:
    page = browser.get(reverse("admin:connections"), asked)
    assert page.status_code == 200
    return [f"{row.person or row.user_id}, {row.integration.provider.name}" for row, _ in page.context["rows"]]


def test_connections_are_filtered_by_what_their_verdict_says(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    oura = people.integration_of("oura").pk
    assert len(names(browser)) == 7
    assert names(browser, health="blocked") == ["Ben Bitdiddle, Oura"]
    assert names(browser, reason="revoked") == ["Cy Young, Oura"]
    assert names(browser, reason="declined") == ["Ben Bitdiddle, Oura"]
    assert names(browser, integration=oura, scope="heartrate") == ["Ben Bitdiddle, Oura"]
    assert names(browser, integration=oura, scope="daily") == []
    assert names(browser, integration=oura, health="ok") == ["Ada Lovelace, Oura", "Finn Mertens, Oura"]


def test_a_filter_that_no_choice_offers_is_not_asked(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")
    made_up: dict[str, str | int] = {
        "health": "splendid",
        "reason": "%",
        "integration": "1 OR 1=1",
        "source": "99999",
        "scope": "heartrate",
    }
    assert len(names(browser, **made_up, after="-1")) == 7


def test_the_number_of_connections_is_the_censuss_and_no_connection_is_counted(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    address = reverse("admin:connections")
    assert browser.get(address, {"health": "broken"}).context["total"] == 2
    with CaptureQueriesContext(connection) as asked:
        browser.get(address)
    assert not [one for one in asked if "COUNT(*)" in one["sql"].upper() and "scopes_connection" in one["sql"]]


def test_pages_of_connections_go_on_by_id(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PAGE", 3)
    browser = signed_in("agent")
    seen: list[int] = []
    address = "?"
    while address:
        page = browser.get(reverse("admin:connections") + address)
        seen += [row.pk for row, _ in page.context["rows"]]
        address = page.context["more"]
    assert len(seen) == 7 and seen == sorted(set(seen))


def test_unclaimed_and_staging_connections_are_told_apart(cast: Source, signed_in: Callable[[str], Client]) -> None:
    staging = people.terra("terra:staging")
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED, scopes=("daily",)), source=staging)
    page = signed_in("agent").get(reverse("admin:connections"), {"source": staging.pk}).content.decode()
    assert "Unclaimed" in page and "terra:staging" in page and "Ada Lovelace" not in page


def test_a_list_of_records_ends_where_it_says_and_counts_no_further(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_only, "NEWEST", 60)
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(source=cast, digest=uuid4(), kind="auth", signed_at=now, received_at=now) for _ in range(130)
    )
    browser = signed_in("engineer")
    with CaptureQueriesContext(connection) as asked:
        page = browser.get(reverse("admin:scopes_delivery_changelist"))
    assert page.context["cl"].paginator.num_pages == 2
    assert "the newest 60. Use filters to find older ones." in page.content.decode()
    counts = [one["sql"] for one in asked if "COUNT(" in one["sql"]]
    assert counts and all("LIMIT 61" in sql for sql in counts)
    assert browser.get(reverse("admin:scopes_delivery_changelist"), {"p": "3"}).status_code == 302


def test_deliveries_are_found_by_their_state(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("engineer")

    def shown(state: str) -> list[str]:
        page = browser.get(reverse("admin:scopes_delivery_changelist"), {"state": state})
        return [row.error for row in page.context["cl"].result_list]

    assert (shown("failed"), shown("done"), shown("waiting")) == (["KeyError: 'user'"], [""], [])
    assert len(shown("made up")) == 2


@pytest.mark.parametrize(("role", "reads"), [("engineer", True), ("auditor", True), ("agent", False), ("lead", False)])
def test_what_a_delivery_said_is_read_by_engineers_and_auditors(
    records: Source, signed_in: Callable[[str], Client], role: str, reads: bool
) -> None:
    delivery = Delivery.objects.first()
    assert delivery is not None
    page = signed_in(role).get(reverse("admin:scopes_delivery_change", args=[delivery.pk])).content.decode()
    assert ("told-in-the-body" in page) is reads
    assert ("Reprocess" in page) is (role == "engineer")


def test_an_engineer_processes_a_delivery_again_with_a_reason(
    records: Source, signed_in: Callable[[str], Client]
) -> None:
    delivery = Delivery.objects.get(error="")
    Delivery.objects.filter(pk=delivery.pk).update(body={"type": "healthcheck", "status": "success"})
    address = reverse("admin:replay_delivery", args=[delivery.pk])
    browser = signed_in("engineer")
    assert "processed as if it had just arrived" in browser.get(address).content.decode()
    assert "This field is required" in browser.post(address, {"reason": " "}).content.decode()
    delivery.refresh_from_db()
    assert delivery.attempts == 0

    assert browser.post(address, {"reason": "Lost in the outage", "ticket": "OPS-7"}).status_code == 302
    delivery.refresh_from_db()
    entry = TrailEntry.objects.get(verb="delivery.replayed")
    assert delivery.attempts == 1
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-engineer", "Lost in the outage", "OPS-7")
    assert entry.detail == {"result": "processed"}
    assert signed_in("auditor").post(address, {"reason": "because"}).status_code == 403


def test_a_links_secret_is_shown_nowhere(records: Source, signed_in: Callable[[str], Client]) -> None:
    ReauthLink.objects.update(secret_hash=b"\xab" * 32)
    link = ReauthLink.objects.get()
    browser = signed_in("everything")
    for address in (
        reverse("admin:scopes_reauthlink_changelist"),
        reverse("admin:scopes_reauthlink_change", args=[link.pk]),
    ):
        page = browser.get(address).content.decode()
        assert "Ben Bitdiddle" in page and "secret" not in page.lower() and "abab" not in page


def test_links_are_found_by_their_status(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")

    def shown(status: str) -> int:
        page = browser.get(reverse("admin:scopes_reauthlink_changelist"), {"status": status})
        return len(page.context["cl"].result_list)

    assert [shown(status) for status in ("live", "fixed", "withdrawn", "expired")] == [1, 0, 0, 0]
    ReauthLink.objects.update(withdrawn_at=timezone.now())
    assert [shown(status) for status in ("live", "fixed", "withdrawn", "expired")] == [0, 0, 1, 0]


@pytest.mark.parametrize("page", ["provider", "integration"])
def test_a_provider_is_called_retired_from_its_day_on(
    page: str, cast: Source, signed_in: Callable[[str], Client]
) -> None:
    oura = Provider.objects.filter(slug="oura")
    for days, told in ((0, "Retired</span> since"), (1, "Retires</span> on")):
        oura.update(retired_on=timezone.now().date() + timedelta(days=days))
        assert told in signed_in("engineer").get(reverse(f"admin:scopes_{page}_changelist")).text


def test_an_audit_run_tells_its_findings_and_changes(records: Source, signed_in: Callable[[str], Client]) -> None:
    run = AuditRun.objects.get()
    page = signed_in("viewer").get(reverse("admin:scopes_auditrun_change", args=[run.pk])).content.decode()
    assert "<strong>1</strong> connections are blocked" in page
    assert "<strong>+2</strong> connections" in page


def test_an_agent_is_let_in_with_a_role_and_never_deleted(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("everything")
    new = {
        "username": "vera",
        "usable_password": "true",
        "password1": "quite a long one",
        "password2": "quite a long one",
    }
    made = browser.post(reverse("admin:auth_user_add"), new)
    assert made.status_code == 302
    assert browser.get(made.headers["Location"]).status_code == 200
    delete = made.headers["Location"].replace("change", "delete")
    assert browser.post(delete, {"post": "yes"}).status_code == 403
