"""What jobs do, and what runs them without a worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from scopes import jobs, nightly, queue
from scopes.facts import LinkChanged, LinkState
from scopes.models import AuditRun, Connection, Endpoint, JobFailure, LiveCheck, ReauthLink, Sending, Source
from scopes.outbox import signing
from scopes.outbox.writing import NewEvent, write
from scopes.reauth import messages
from scopes.sources import registry
from tests import (
    cast,
    counting_jobs,  # noqa: F401 - its jobs are the queue's
)
from tests.outbox.receiving import endpoint, receiver
from tests.reauth.campaigns.running import drafted, started
from tests.reauth.hands import send
from tests.sources.fake import FakeKind

pytestmark = pytest.mark.django_db(transaction=True)


def night(*, offline: bool) -> AuditRun:
    return nightly.run([], offline=offline, clock=timezone.now, on_page=lambda _users: None, erased_keys=())


def test_without_a_worker_the_nightly_audit_runs_the_deferred_jobs() -> None:
    queue.defer("count_items", items=[1, 2])

    assert night(offline=True).state == AuditRun.State.DONE
    assert queue.counts().due == 1, "a job may call Terra, and offline it must not"
    assert night(offline=False).state == AuditRun.State.DONE
    assert set(Source.objects.values_list("key", flat=True)) == {"item:1", "item:2"}


def test_a_job_that_fails_does_not_end_the_nightly_audit() -> None:
    queue.defer("fail", item=1)

    assert night(offline=False).state == AuditRun.State.DONE
    assert JobFailure.objects.count() == 1


def test_failures_are_deleted_after_a_month() -> None:
    queue.defer_many("fail", [{"item": 1}, {"item": 2}])
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
        queue.run_pending(60, timezone.now())
    new, old = queue.failed(10)
    JobFailure.objects.filter(job=old.pk).update(at=timezone.now() - timedelta(days=31))

    jobs.old_failures()

    assert queue.failed(10) == [new]
    assert JobFailure.objects.get().job == new.pk


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_worker_sends_an_event_once_it_is_committed_also_to_a_slow_endpoint(
    is_slow: bool, settings: Settings
) -> None:
    settings.EVENTS_TO_LOOPBACK = True
    with receiver() as found:
        to = endpoint(url=found.url)
        Endpoint.objects.update(is_slow=is_slow)
        write([NewEvent("connection.broken", "a", {"n": 1})], timezone.now())
        queue.run_pending(60, timezone.now())

    secret = signing.secret_of(to, signing.keys_from(settings.SECRET_KEY)[0])
    assert [event["data"] for event in found.verified(secret)] == [{"n": 1}]
    assert (Sending.objects.get().state, queue.counts().waiting, Endpoint.objects.get().is_slow) == (
        "delivered", 0, False,
    )  # fmt: skip


def test_a_source_that_keeps_its_ids_is_asked_about_what_is_unconfirmed_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = FakeKind()
    monkeypatch.setitem(registry.KINDS, "fake", kind)
    for name in ("DEV_ID", "API_KEY"):
        monkeypatch.setenv(f"TERRA_PROD_{name}", "a-key")
    monkeypatch.setenv("TERRA_PROD_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "prod")
    fake = Source.objects.create(kind="fake", name="app")
    at = cast.CONSENTED + timedelta(days=1)
    for source in (fake, cast.terra()):
        for name in ("known", "dead", "unknown"):
            consent = cast.consent(name, "oura", ("daily",))
            cast.take_in(consent, LinkChanged("oura", consent.user_id, LinkState.UNCONFIRMED, at), source=source)
    kind.server.accounts["known-oura"] = ("ref-known", ("daily",))
    kind.server.dead.add("dead-oura")

    jobs.unconfirmed()

    assert links(fake) == {"known-oura": "active", "dead-oura": "token_rejected", "unknown-oura": "unconfirmed"}
    assert set(links(cast.terra()).values()) == {"unconfirmed"}
    assert set(LiveCheck.objects.values_list("connection__integration__source__key", flat=True)) == {"fake:app"}


def test_a_message_is_sent_by_its_own_job_at_once_and_without_a_sender_not_at_all(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    cast.assemble()
    message = messages.queue_message(send(cast.the("Ben"), now=timezone.now()).link, timezone.now())

    jobs.send_messages()
    assert mail.outbox == []
    settings.MAIL_FROM, settings.PORTAL_URL = "support@vitalog.example", "https://portal.example"
    queue.run_pending(60, timezone.now())

    assert [one.to for one in mail.outbox] == [["ben@example.com"]]
    message.refresh_from_db()
    assert message.state == "sent" and queue.counts().due == 0


def test_each_campaign_that_has_something_to_do_gets_a_job_that_does_it() -> None:
    cast.assemble()
    campaign = started(timezone.now(), filters={"health": "blocked"})
    drafted(timezone.now())

    jobs.campaigns()
    assert queue.counts().waiting == 1
    jobs.run_campaign(campaign.pk)

    assert ReauthLink.objects.get().person == cast.the("ben")
    jobs.campaigns()
    assert queue.counts().waiting == 1, "it is done"


def links(source: Source) -> dict[str, str]:
    return dict(Connection.objects.filter(integration__source=source).values_list("user_id", "standing__link"))
