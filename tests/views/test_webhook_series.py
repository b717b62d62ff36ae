"""Series of events as Terra sends them, one after another, and what is known after the last."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scopes.catalogue import provider_named
from scopes.facts import LinkState
from scopes.models import Connection, Delivery
from tests.views.conftest import Clock, Deliver

pytestmark = pytest.mark.django_db

USER = {
    "user_id": "0e7a1c52-8d1b-4f5e-9a60-3c2b7f1d9e10",
    "provider": "GARMIN",
    "scopes": "ACTIVITY_EXPORT,HEALTH_EXPORT",
    "reference_id": "member-12",
    "active": True,
    "created_at": "2026-10-02T08:15:00Z",
}
DAYS = {"start_time": "2026-11-17T00:00:00.000000+00:00", "end_time": "2026-11-18T00:00:00.000000+00:00"}


def payload(kind: str, *, user: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": "success", "version": "2022-03-16", "user": user or USER, **more}


def after(deliver: Deliver, clock: Clock, *events: dict[str, Any]) -> Connection:
    """The connection after all of these, an hour apart."""
    for one in events:
        assert deliver(one) == 200
        clock.pass_by(hours=1)
    assert not Delivery.objects.exclude(error="").exists()
    return Connection.objects.select_related("standing", "pulse").get()


@pytest.mark.parametrize("kind", ["hormone", "health_observation", "route", "lab_report.completed", "sleep"])
def test_each_type_of_data_is_known_and_leaves_its_last_day(
    kind: str, deliver: Deliver, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    row = after(deliver, clock, payload("auth"), payload(kind, data=[{"metadata": DAYS, "value": 7}]))
    assert row.pulse.last_data_on == date(2026, 11, 18)
    assert "not known" not in caplog.text
    assert all("value" not in str(delivery.body) for delivery in Delivery.objects.all())


def test_a_plan_is_no_data_and_does_not_clear_a_rejected_token(deliver: Deliver, clock: Clock) -> None:
    plan = {"metadata": {"planned_date": "2026-12-01T07:00:00Z", "name": "Intervals"}}
    row = after(
        deliver,
        clock,
        payload("auth"),
        payload("connection_error", message="rejected"),
        payload("planned_workout", data=[plan]),
    )
    assert row.pulse.last_data_on is None
    assert row.standing.link == LinkState.TOKEN_REJECTED


def test_short_names_are_scopes_of_google_health(deliver: Deliver, clock: Clock) -> None:
    user = USER | {"provider": "GOOGLE_HEALTH", "scopes": "activity_and_fitness.readonly,sleep.readonly"}
    row = after(deliver, clock, payload("auth", user=user))
    assert provider_named("google_health").held(frozenset(row.standing.reported or ())) == {
        "googlehealth.activity_and_fitness.readonly",
        "googlehealth.sleep.readonly",
    }


def test_a_ping_about_a_user_counts_as_data_and_its_address_is_discarded(deliver: Deliver, clock: Clock) -> None:
    ping = payload("s3_payload", url="https://payloads.example.com/secret-address", expires_in=300)
    row = after(deliver, clock, payload("auth"), ping)
    assert row.pulse.last_data_on == date(2026, 11, 20)
    assert "secret-address" not in str(list(Delivery.objects.values_list("body", flat=True)))


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_no_consent_is_dated_by_an_impossible_time(created: str, deliver: Deliver, clock: Clock) -> None:
    row = after(deliver, clock, payload("daily", user=USER | {"created_at": created}, data=[{"metadata": DAYS}]))
    assert row.consented_at is None
