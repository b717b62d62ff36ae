"""Agents of every role, and one record of each kind beside the cast."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import BrowserContext
from pytest_django.live_server_helper import LiveServer

from scopes import queue
from scopes.facts import AttemptFailed, ConsentGiven
from scopes.judge.policy import draft
from scopes.migrations._roles import grant
from scopes.models import (
    ApiKey,
    AuditRun,
    Delivery,
    DontContact,
    Incident,
    Integration,
    JobFailure,
    Listing,
    LiveCheck,
    QuarantinedFact,
    ReauthLink,
    Sending,
    Source,
    Suspicion,
    TrailEntry,
    Waiver,
)
from scopes.outbox import endpoints
from scopes.roles import ROLES, permissions_of
from tests import cast as people
from tests.admin.reading import words_of
from tests.api.calls import key_for
from tests.outbox.receiving import ACT, endpoint
from tests.reauth.campaigns.running import drafted

PASSWORD = "a long and private one"


@pytest.fixture
def agent(db: None) -> Callable[[str], User]:
    """The agent who holds a role, made if need be; the superuser for the role "everything"."""
    # A test that commits empties all tables afterwards, the roles with them.
    if not Group.objects.exists():
        grant(apps, {role: permissions_of(role) for role in ROLES})

    def made(role: str) -> User:
        user, new = User.objects.get_or_create(
            username=f"agent-{role}", defaults={"is_staff": True, "is_superuser": role == "everything"}
        )
        if new:
            user.set_password(PASSWORD)
            user.save()
        if role not in ("everything", "none"):
            user.groups.add(Group.objects.get(name=role))
        return user

    return made


@pytest.fixture
def signed_in(agent: Callable[[str], User]) -> Callable[[str], Client]:
    """A browser in which the agent of a role is signed in."""

    def client(role: str) -> Client:
        browser = Client()
        browser.force_login(agent(role))
        return browser

    return client


@pytest.fixture
def open_as(
    new_context: Callable[..., BrowserContext], live_server: LiveServer, signed_in: Callable[[str], Client]
) -> Callable[..., BrowserContext]:
    """A browser in which the agent of a role is signed in; it is closed after the test."""

    def opened(role: str, **options: Any) -> BrowserContext:
        cookie = signed_in(role).cookies["portal_session"].value
        context = new_context(base_url=live_server.url, **options)
        context.add_cookies([{"name": "portal_session", "value": cookie, "url": live_server.url}])
        return context

    return opened


@pytest.fixture
def records(cast: Source) -> Source:
    """The cast, and one record beside it of whatever the desk shows."""
    now = timezone.now()
    ben = people.the("Ben")
    integration = people.integration_of("oura")
    draft(integration, people.OURA_POLICY | {"requested": ["daily", "stress"]}, author="Pat", now=now)
    ReauthLink.objects.create(
        public_id="bens-link",
        secret_hash=bytes(32),
        person=ben,
        integration=integration,
        connection=people.connection_of("Ben"),
        author="agent-agent",
        reason="Recovery is empty",
        created_at=now - timedelta(days=1),
        expires_at=now + timedelta(days=6),
        opened_at=now - timedelta(hours=3),
    )
    for minute in (0, 5):
        people.take_in(
            AttemptFailed(
                now - timedelta(days=2, minutes=minute), "missing_scopes", provider="oura", reference_id="ref-dee"
            ),
            now=now,
        )
    for error in ("", "KeyError: 'user'"):
        Delivery.objects.create(
            source=cast,
            digest=uuid4(),
            kind="auth",
            body={"type": "auth", "user": {"user_id": "told-in-the-body"}},
            signed_at=now,
            received_at=now,
            processed_at=None if error else now,
            error=error,
        )
    AuditRun.objects.create(
        started_at=now - timedelta(hours=3),
        finished_at=now - timedelta(hours=2),
        state=AuditRun.State.DONE,
        counts={"connections": 8},
        changes={"connections": 2},
        findings=[{"code": "blocked", "number": 1, "detail": ""}],
        exit_code=0,
    )
    TrailEntry.objects.create(
        at=now,
        verb="link.issued",
        actor_name="agent-agent",
        person=ben,
        subject="bens-link",
        reason="Recovery is empty",
    )
    incident(cast, "finn", now)
    failed_job(now)
    key_for(ApiKey.Permission.READ_PEOPLE, sources=(cast,))
    failed_sending(now)
    LiveCheck.objects.create(
        connection=people.connection_of("Ben"), user_id="ben-oura", author="agent-agent", batch=uuid4(),
        asked_at=now, answered_at=now, answer="known", active=True, scopes=["daily"], probe="expired",
    )  # fmt: skip
    return cast


def failed_sending(now: datetime) -> Sending:
    """An event that did not arrive at an endpoint."""
    sending = endpoints.send_test(endpoint().pk, ACT, now)
    sending.state, sending.attempts, sending.status, sending.error = Sending.State.FAILED, 9, 500, "answered with 500"
    sending.ended_at = sending.tried_at = now
    sending.save()
    return sending


@pytest.fixture
def everything(records: Source) -> Source:
    """A record for every screen; one of the connections is unclaimed."""
    people.take_in(ConsentGiven("oura", "stray", people.CONSENTED))
    drafted()
    decisions(timezone.now())
    return records


@pytest.fixture
def read(signed_in: Callable[[str], Client]) -> Callable[..., str]:
    """What somebody of a role reads on the page of one of the cast."""

    def page(name: str, role: str = "agent", query: str = "") -> str:
        response = signed_in(role).get(reverse("admin:person", args=[people.the(name).pk]) + query)
        assert response.status_code == 200
        return words_of(response.content.decode())

    return page


@pytest.fixture
def oura(cast: Source) -> Integration:
    return people.integration_of("oura")


@pytest.fixture
def engineer(signed_in: Callable[[str], Client]) -> Client:
    return signed_in("engineer")


def night(source: Source, at: datetime, blocked: int, broken: int) -> None:
    """An audit that was done then, and counted 2,000 connections at `source`."""
    counted = {
        "production": source.production,
        "connections": 2000,
        "health": {"ok": 2000 - blocked - broken, "blocked": blocked, "broken": broken},
    }
    AuditRun.objects.create(started_at=at, finished_at=at, state="done", counts={"sources": {source.key: counted}})


def failed_job(now: datetime) -> int:
    """The id of a job that was tried in vain."""
    queue.defer("pending_deliveries")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed', attempts = 12 RETURNING id")
        pk = int(cursor.fetchone()[0])
    JobFailure.objects.create(job=pk, at=now, words="SourceUnavailable: Terra answered 502")
    return pk


def decisions(now: datetime) -> None:
    """What agents decide about: a waiver of Ben's, a mark on Cy, a suspicion about a scope of Oura's."""
    Waiver.objects.create(
        connection=people.connection_of("Ben"),
        need="spo2",
        until=now.date() + timedelta(days=30),
        reason="He does not want to.",
        author="agent-agent",
        created_at=now,
    )
    DontContact.objects.create(person=people.the("Cy"), reason="Asked by letter.", author="agent-agent", created_at=now)
    Suspicion.objects.create(
        integration=people.integration_of("oura"),
        scope="heartrate",
        consents=41,
        since=now - timedelta(days=9),
        found_at=now,
        counted_at=now,
    )


def incident(source: Source, name: str, now: datetime) -> Incident:
    """An open incident at Oura that holds back that the connection of `name` is inactive."""
    row = people.connection_of(name)
    listing = Listing.objects.create(source=source, started_at=now, finished_at=now)
    QuarantinedFact.objects.create(
        listing=listing, integration=row.integration, connection=row, state="inactive", happened_at=now
    )
    return Incident.objects.create(
        integration=row.integration, listing=listing, broken=1, working=4, opened_at=now - timedelta(hours=1)
    )
