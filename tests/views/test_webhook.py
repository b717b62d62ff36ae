"""What Terra delivers is verified, stored, and recorded once, in any order and however often it arrives."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from pytest_django import Settings

from scopes.facts import LinkState
from scopes.models import Attempt, Connection, Delivery, FormerId, Period, Person, Source
from tests.sources.terra.conftest import event
from tests.views.conftest import NOW, SECRETS, Clock, Deliver, auth_after_a_reauth, post, signature

pytestmark = pytest.mark.django_db

GARMIN = ["ACTIVITY_EXPORT", "HEALTH_EXPORT"]
OURA = ["daily", "email", "heartrate", "personal", "session", "spo2", "tag", "workout"]
RECORDED = {
    "auth": ("5f0c1c5e-3b0a-4c8e-9a55-0d6f4f4b9a01", LinkState.ACTIVE, GARMIN),
    "auth_with_reference_on_top": (
        "7b1d2f60-94c3-4d58-b7c1-2f9e6a1d3b03",
        LinkState.ACTIVE,
        ["ACTIVITY_EXPORT", "COURSE_IMPORT", "HEALTH_EXPORT", "WORKOUT_IMPORT"],
    ),
    "user_reauth": ("c2a7e7b4-8a0d-4f65-8a3c-5f8f1d2e9a02", LinkState.ACTIVE, GARMIN),
    "user_reauth_without_old_user": ("c2a7e7b4-8a0d-4f65-8a3c-5f8f1d2e9a02", LinkState.ACTIVE, GARMIN),
    "permission_change": (
        "5f0c1c5e-3b0a-4c8e-9a55-0d6f4f4b9a01",
        LinkState.ACTIVE,
        ["ACTIVITY_EXPORT", "HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT"],
    ),
    "deauth": ("0e9a4c12-6f7b-4b0e-8d2a-91c5d7e8fc04", LinkState.DEAUTHORISED, None),
    "deauth_legacy": ("a4d8e6f2-1c3b-4e5a-9f70-6b2c8d1e4d05", LinkState.DEAUTHORISED, None),
    "access_revoked": ("0e9a4c12-6f7b-4b0e-8d2a-91c5d7e8fc04", LinkState.REVOKED, None),
    "connection_error": ("7b1d2f60-94c3-4d58-b7c1-2f9e6a1d3b03", LinkState.TOKEN_REJECTED, None),
    "connection_error_diary_key": ("e8f7d6c5-b4a3-4210-9fed-cba987654307", LinkState.CREDENTIAL_CHANGED, None),
    "connection_error_missing_scope": (
        "d3c2b1a0-5e6f-4a7b-8c9d-0e1f2a3b4f06",
        LinkState.ACTIVE,
        ["fitness.activity.read", "fitness.sleep.read"],
    ),
    "connection_error_missing_scope_legacy": ("d3c2b1a0-5e6f-4a7b-8c9d-0e1f2a3b4f06", LinkState.ACTIVE, None),
    "google_no_datasource": ("d3c2b1a0-5e6f-4a7b-8c9d-0e1f2a3b4f06", LinkState.NO_DATA_SOURCE, None),
    "daily": ("7b1d2f60-94c3-4d58-b7c1-2f9e6a1d3b03", LinkState.ACTIVE, OURA),
    "athlete": ("7b1d2f60-94c3-4d58-b7c1-2f9e6a1d3b03", LinkState.ACTIVE, OURA),
    "activity": ("a4d8e6f2-1c3b-4e5a-9f70-6b2c8d1e4d05", LinkState.ACTIVE, None),
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_an_event_reports_of_a_connection_is_recorded(name: str, deliver: Deliver) -> None:
    user_id, link, reported = RECORDED[name]

    assert deliver(name, ordered=NOW - timedelta(minutes=1)) == 200

    row = Connection.objects.select_related("standing").get(user_id=user_id)
    assert (row.standing.link, row.standing.reported) == (link, reported)
    period, delivery = row.periods.get(), Delivery.objects.get()
    assert (period.origin, period.origin_record) == ("webhook", f"delivery:{delivery.pk}")
    assert (period.happened_at, period.received_at) == (NOW - timedelta(minutes=1), NOW)
    assert (delivery.kind, delivery.processed_at) == (event(name)["type"], NOW)
    assert (delivery.attempts, delivery.error, delivery.stale) == (1, "", False)


@pytest.mark.parametrize(
    ("name", "reference", "reason", "provider"),
    [
        ("auth_cancelled", "ada", "access_denied", None),
        ("auth_failed_legacy", "ada", "auth_cancelled", "garmin"),
        ("auth_failed_legacy_without_user", "ben", "missing_scopes", None),
    ],
)
def test_a_failed_consent_leaves_an_attempt_and_no_connection(
    name: str, reference: str, reason: str, provider: str | None, deliver: Deliver
) -> None:
    person = Person.objects.create(reference_id=reference, created_at=NOW)

    assert deliver(name) == 200
    assert deliver(name, at=NOW + timedelta(seconds=30)) == 200

    attempts = Attempt.objects.select_related("provider").filter(state="failed", person=person, result=reason)
    assert {attempt.provider.slug if attempt.provider else None for attempt in attempts} == {provider}
    assert not Connection.objects.exists()


def test_a_revocation_keeps_what_was_granted(deliver: Deliver, clock: Clock) -> None:
    payload = event("access_revoked")
    deliver({"type": "auth", "status": "success", "user": {**payload["user"], "active": True}})
    clock.pass_by(hours=1)
    deliver(payload)

    row = Connection.objects.select_related("standing").get()
    assert (row.standing.link, row.standing.reported) == (LinkState.REVOKED, GARMIN)
    assert [period.origin_record for period in row.periods.order_by("since")] == [
        f"delivery:{delivery.pk}" for delivery in Delivery.objects.order_by("pk")
    ]


def test_events_that_report_no_connection_are_stored(deliver: Deliver) -> None:
    for name in ("healthcheck", "large_request_processing", "s3_payload"):
        assert deliver(name) == 200
    assert Delivery.objects.filter(processed_at__isnull=False).count() == 3
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "payload",
    [{"type": "moon_phase", "steps": 8211, "user": {"user_id": "u", "provider": "OURA"}}, {"type": "REVIEW"}],
)
def test_an_unknown_type_is_stored_and_logged(
    payload: dict[str, object], deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    assert deliver(payload) == 200
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.processed_at) == (str(payload["type"]).lower(), NOW)
    assert f"delivery {delivery.pk} is of a type that is not known" in caplog.text
    assert "8211" not in json.dumps(delivery.body)


def test_no_health_data_is_stored(deliver: Deliver, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("daily", "activity", "athlete"):
        deliver(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(d::text, ' ') FROM scopes_delivery d")
        stored = cursor.fetchone()[0]
    assert "ben@example.com" in stored, "whose data it was is kept"
    for word in ("8211", "3120", "bpm", "steps", "calories", "sex", "first_name"):
        assert word not in stored
        assert word not in caplog.text
    assert "ben@example.com" not in caplog.text


# Once


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"trace": "one"}, {"trace": "one", "at": NOW + timedelta(seconds=60)}),
        ({}, {"ordered": NOW + timedelta(seconds=60)}),
        ({"trace": "one"}, {"ordered": NOW + timedelta(seconds=60)}),
    ],
    ids=["signed anew, with the same trace id", "without trace ids", "the trace id taken away"],
)
def test_a_repeat_is_counted_and_not_processed_again(
    first: dict[str, object], second: dict[str, object], deliver: Deliver
) -> None:
    assert deliver("auth", **first) == 200
    assert deliver("auth", **second) == 200
    delivery = Delivery.objects.get()
    assert (delivery.repeats, delivery.attempts) == (1, 1)
    assert delivery.trace_id == first.get("trace")
    assert Period.objects.count() == 1


def test_a_trace_id_repeated_with_another_body_is_stored_processed_and_flagged(deliver: Deliver) -> None:
    for _ in range(2):
        assert deliver("auth", trace="one") == 200
        assert deliver("access_revoked", trace="one", at=NOW + timedelta(seconds=1)) == 200
    stored = Delivery.objects.order_by("pk").values_list("kind", "trace_reused", "repeats", "processed_at")
    assert list(stored) == [("auth", False, 1, NOW), ("access_revoked", True, 1, NOW)]
    assert Connection.objects.filter(standing__link=LinkState.REVOKED).exists()


def test_the_same_body_under_another_trace_id_is_another_event(deliver: Deliver, clock: Clock) -> None:
    for trace in ("one", "another"):
        assert deliver("deauth", trace=trace) == 200
        clock.pass_by(minutes=1)
    assert list(Delivery.objects.values_list("repeats", "attempts", "trace_reused")) == [(0, 1, False)] * 2


def test_an_old_event_delivered_again_under_a_fresh_trace_id_is_no_newer(deliver: Deliver, clock: Clock) -> None:
    payload = event("deauth")
    deliver(payload, trace="one", ordered=NOW - timedelta(minutes=2))
    returned = {"type": "auth", "status": "success", "user": payload["user"]}
    deliver(returned, trace="two", ordered=NOW + timedelta(minutes=1), at=NOW + timedelta(minutes=1))
    clock.pass_by(hours=1)
    deliver(payload, trace="fresh", at=NOW, ordered=NOW + timedelta(minutes=4))
    assert set(Delivery.objects.filter(kind="deauth").values_list("ordered_at", flat=True)) == {
        NOW - timedelta(minutes=2)
    }
    assert Connection.objects.select_related("standing").get().standing.link == LinkState.ACTIVE


def test_the_same_body_signed_at_another_time_is_another_event(deliver: Deliver, clock: Clock) -> None:
    payload = event("deauth")
    returned = {"type": "auth", "status": "success", "user": payload["user"]}
    for name, one in (("first", payload), ("returned", returned), ("again", payload)):
        deliver(one, trace=name)
        clock.pass_by(days=1)
    assert Delivery.objects.filter(repeats=0, attempts=1).count() == 3
    assert Connection.objects.select_related("standing").get().standing.link == LinkState.DEAUTHORISED


def test_an_event_delivered_to_two_environments_is_no_repeat(deliver: Deliver) -> None:
    for environment in SECRETS:
        deliver("auth", environment=environment, trace="one")
    assert set(Source.objects.values_list("key", "production")) == {
        ("terra:production", True),
        ("terra:staging", False),
    }
    assert Connection.objects.values("integration__source").distinct().count() == 2


def test_a_changed_mark_of_an_environment_applies_from_the_next_delivery(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver("auth", environment="staging")
    monkeypatch.setenv("TERRA_STAGING_PRODUCTION", "true")
    deliver("deauth", environment="staging")
    assert Source.objects.get().production is True


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_twice_at_once_is_recorded_once(clock: Clock) -> None:
    body = json.dumps(event("auth")).encode()
    headers = {"Terra-Signature": signature(SECRETS["production"], body, NOW), "X-Terra-Trace-Id": "one"}
    both = Barrier(4)

    def send(_: int) -> int:
        try:
            both.wait(10)
            return post("/hooks/terra/production/", body, headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, range(4))) == [200] * 4
    delivery = Delivery.objects.get()
    assert (delivery.repeats, delivery.attempts, delivery.processed_at) == (3, 1, NOW)
    assert Connection.objects.count() == Period.objects.count() == 1


# In whatever order


@pytest.mark.parametrize("order", [["auth", "user_reauth"], ["user_reauth", "auth"]])
def test_after_a_reauth_it_is_the_same_connection_under_its_new_id(
    order: list[str], deliver: Deliver, clock: Clock
) -> None:
    deliver("auth")
    before = Connection.objects.get()
    payloads = {"auth": auth_after_a_reauth(), "user_reauth": event("user_reauth")}
    clock.pass_by(days=1)
    happened = {"auth": clock.now, "user_reauth": clock.now + timedelta(milliseconds=300)}
    for name in order:
        clock.pass_by(seconds=2)
        assert deliver(payloads[name], ordered=happened[name]) == 200

    after = Connection.objects.get(merged_into__isnull=True)
    assert (after.pk, after.user_id) == (before.pk, payloads["user_reauth"]["new_user"]["user_id"])
    assert FormerId.objects.get().user_id == before.user_id
    assert after.periods.filter(until__isnull=True).count() == 1
    assert not Delivery.objects.filter(processed_at__isnull=True).exists()


def test_an_older_event_that_arrives_later_changes_nothing(deliver: Deliver, clock: Clock) -> None:
    payload = event("deauth")
    deliver({"type": "auth", "status": "success", "user": payload["user"]}, ordered=NOW)
    clock.pass_by(hours=3)
    deliver(payload, at=clock.now, ordered=NOW - timedelta(minutes=1))
    assert Connection.objects.select_related("standing").get().standing.link == LinkState.ACTIVE


@pytest.mark.parametrize(
    ("signed", "ordered", "happened"),
    [
        (NOW, NOW - timedelta(hours=20), NOW - timedelta(hours=20)),
        (NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=5)),
        (NOW, NOW + timedelta(minutes=6), NOW),
        (NOW - timedelta(hours=20), NOW, NOW - timedelta(hours=20)),
        (NOW, None, NOW),
        (NOW + timedelta(days=400), None, NOW + timedelta(minutes=5)),
    ],
)
def test_an_event_cannot_claim_to_come_from_the_future(
    signed: object, ordered: object, happened: object, deliver: Deliver
) -> None:
    deliver("auth", at=signed, ordered=ordered)
    assert Period.objects.get().happened_at == happened


def test_a_stale_delivery_is_flagged_and_processed(deliver: Deliver) -> None:
    deliver("auth", at=NOW - timedelta(seconds=300))
    deliver("deauth", at=NOW - timedelta(seconds=301))
    assert list(Delivery.objects.order_by("pk").values_list("stale", "processed_at")) == [(False, NOW), (True, NOW)]


def test_the_age_of_a_stale_delivery_can_be_set(deliver: Deliver, settings: Settings) -> None:
    settings.WEBHOOK_STALE_SECONDS = 3600
    deliver("auth", at=NOW - timedelta(seconds=3600))
    deliver("deauth", at=NOW - timedelta(seconds=3601))
    assert list(Delivery.objects.order_by("pk").values_list("stale", flat=True)) == [False, True]
