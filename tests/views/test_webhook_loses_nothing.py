"""No signed delivery is lost: one that cannot be read or recorded is kept, and recorded later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from scopes import jobs, queue
from scopes.models import Connection, Delivery, Period
from tests.views.conftest import NOW, Clock, Deliver

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON: 8211 steps",
        b'{"type": "auth"',
        b"\xff\xfe\x00",
        b"[]",
        b'{"steps": 8211}',
        b'{"type": 5.5}',
        b'{"type": "auth", "user": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
    ids=["empty", "no JSON", "cut off", "no text", "a list", "no type", "an odd type", "too deep"],
)
def test_a_signed_body_that_cannot_be_read_is_stored_and_marked(body: bytes, deliver: Deliver) -> None:
    assert deliver(body) == 200
    assert deliver(body) == 200
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.body, delivery.repeats) == ("unreadable", None, 1)
    assert delivery.error.startswith("The body is no event, and was not kept. ")
    assert "8211" not in delivery.error


def test_an_event_whose_user_cannot_be_read_waits_with_its_error(deliver: Deliver) -> None:
    assert deliver({"type": "auth", "status": "success", "user": {"provider": "OURA"}}) == 200
    delivery = Delivery.objects.get()
    assert (delivery.processed_at, delivery.attempts) == (None, 1)
    assert delivery.error == "PayloadError: a user without user_id"


NO_ROOM = "RAISE EXCEPTION 'no room for ada@example.com' USING DETAIL = 'row 5f0c1c5e'"
SHUT_DOWN = "PERFORM pg_terminate_backend(pg_backend_pid())"


def break_the_records(by: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {by}; RETURN NEW; END $$;
            CREATE TRIGGER no_room BEFORE INSERT ON scopes_period FOR EACH ROW EXECUTE FUNCTION no_room();
            """
        )


def repair_the_records() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER no_room ON scopes_period; DROP FUNCTION no_room();")


def test_a_delivery_that_could_not_be_recorded_is_recorded_once_with_a_later_one(
    deliver: Deliver, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    break_the_records(by=NO_ROOM)
    assert deliver("auth") == 200
    failed = Delivery.objects.get()
    assert (failed.processed_at, failed.attempts) == (None, 1)
    assert failed.error == "ProgrammingError: no room for [address]"
    assert "5f0c1c5e" not in caplog.text and "ada@" not in caplog.text
    assert not Connection.objects.exists()

    repair_the_records()
    clock.pass_by(seconds=9)
    deliver("healthcheck", trace="too soon")
    assert not Connection.objects.exists()
    clock.pass_by(seconds=1)
    for trace in ("due", "done"):
        deliver("healthcheck", at=clock.now, trace=trace)
        clock.pass_by(hours=1)

    failed.refresh_from_db()
    assert (failed.attempts, failed.error) == (2, "")
    assert failed.processed_at == NOW + timedelta(seconds=10)
    assert Period.objects.get().happened_at == NOW


def test_a_delivery_that_could_not_be_recorded_is_soon_repeated_by_a_worker(deliver: Deliver, clock: Clock) -> None:
    break_the_records(by=NO_ROOM)
    for name in ("auth", "auth_with_reference_on_top"):
        deliver(name)
    repair_the_records()
    assert queue.counts().waiting == 1, "one job processes all that is pending"

    jobs.pending_deliveries()
    assert not Connection.objects.exists(), "it is not due yet"
    clock.pass_by(seconds=10)
    jobs.pending_deliveries()
    assert Connection.objects.count() == 2


def test_a_delivery_that_was_recorded_defers_no_job(deliver: Deliver) -> None:
    deliver("auth")
    assert queue.counts().waiting == 0


def test_a_queue_that_is_broken_fails_no_delivery(deliver: Deliver, caplog: pytest.LogCaptureFixture) -> None:
    break_the_records(by=NO_ROOM)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs RENAME TO elsewhere")
    assert deliver("auth") == 200
    assert "wait for the next delivery: QueueError" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_without_a_database_terra_gets_503_and_its_next_delivery_is_recorded(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection.close()
    with monkeypatch.context() as broken:
        broken.setitem(connection.settings_dict, "HOST", "/nowhere")
        assert deliver("auth") == 503
    assert "it could not be stored: OperationalError" in caplog.text
    assert deliver("auth") == 200
    assert Connection.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_when_the_database_fails_after_storing_the_delivery_stays_pending(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_the_records(by=SHUT_DOWN)
    try:
        with monkeypatch.context() as broken:
            broken.setitem(connection.settings_dict, "HOST", "/nowhere")
            assert deliver("auth") == 200
    finally:
        connection.close()
        repair_the_records()
    waiting = Delivery.objects.get()
    assert (waiting.processed_at, waiting.attempts) == (None, 0)
    assert f"delivery {waiting.pk} is stored and waits to be processed" in caplog.text
    deliver("healthcheck")
    assert Period.objects.get().origin_record == f"delivery:{waiting.pk}"
