"""As many questions to the database for two rows as for fifty: on each list, the search and the person page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from scopes import access_log, flow
from scopes.catalogue import default
from scopes.facts import AttemptFailed, ConsentGiven, IdReplaced, PersonKnown
from scopes.models import AuditRun, Delivery, Person, ReauthLink, Source, TrailEntry
from scopes.models.trail import Act
from tests import cast as people
from tests.admin.reading import queries
from tests.api.calls import key_for

FEW, MANY = 2, 50


def grow(number: int) -> None:
    """Make `number` rows of everything that a list shows."""
    source, now = people.terra(), timezone.now()
    flow.take_in_people([PersonKnown(f"twin-{n}", name="Gemma Twin") for n in range(number)], people.NOW)
    consents = [
        ConsentGiven("oura", f"id-{n}", people.CONSENTED, reference_id=f"twin-{n}", scopes=people.EVERYTHING[: n % 8])
        for n in range(number)
    ]
    people.take_in(*consents)
    for gemma in Person.objects.filter(name="Gemma Twin"):
        ReauthLink.objects.create(
            public_id=str(gemma.pk),
            secret_hash=bytes(32),
            person=gemma,
            integration=people.integration_of("oura"),
            author="agent",
            reason="because",
            created_at=now,
            expires_at=now + timedelta(days=7),
        )
        access_log.note(Act(User.objects.get(username="agent-everything")), gemma, now)
        TrailEntry.objects.create(at=now, verb="link.issued", actor_name="agent", person=gemma)
        Delivery.objects.create(source=source, digest=uuid4(), kind="auth", signed_at=now, received_at=now)
        AuditRun.objects.create(started_at=now, finished_at=now, state=AuditRun.State.DONE)
        key_for(sources=(source,))


LISTS = (
    "index",
    "connections",
    "scopes_reauthlink_changelist",
    "scopes_delivery_changelist",
    "scopes_auditrun_changelist",
    "scopes_trailentry_changelist",
    "access_log",
    "scopes_integration_changelist",
    "scopes_policyversion_changelist",
    "scopes_provider_changelist",
    "unused_permissions",
    "api_keys",
)


def test_lists_ask_as_much_for_fifty_rows_as_for_two(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("everything")
    grow(FEW)
    few = {screen: queries(browser, reverse(f"admin:{screen}")) for screen in LISTS}
    TrailEntry.objects.all().delete()
    ReauthLink.objects.all().delete()
    for slug in ("strava", "whoop", "polar", "garmin", "fitbit"):
        people.integration_of(slug)
    grow(MANY)
    many = {screen: queries(browser, reverse(f"admin:{screen}")) for screen in LISTS}
    assert many == few
    assert max(many.values()) <= 14


def test_the_search_asks_as_much_for_fifty_hits_as_for_two(cast: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("agent")

    def search() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            location = browser.post(reverse("admin:search"), {"words": "gemma"}).headers["Location"]
        return len(asked), queries(browser, location)

    flow.take_in_people([PersonKnown(f"twin-{n}", name="Gemma Twin") for n in range(FEW)], people.NOW)
    few = search()
    flow.take_in_people([PersonKnown(f"twin-{n}", name="Gemma Twin") for n in range(MANY)], people.NOW)
    assert search() == few


def connect(reference: str, slugs: list[str]) -> None:
    """A person with a connection at each of these, each with a past, and a failed try at another."""
    flow.take_in_people([PersonKnown(reference, name=reference)], people.NOW)
    for number, slug in enumerate(slugs):
        later = people.CONSENTED + timedelta(days=number + 1)
        one = f"{reference}-{slug}"
        people.take_in(
            ConsentGiven(slug, one, people.CONSENTED, reference_id=reference, scopes=("daily",)),
            IdReplaced(slug, f"{one}-new", one, later, reference_id=reference, scopes=("daily", "email")),
        )
    people.take_in(AttemptFailed(people.NOW, "missing_scopes", provider="oura", reference_id=reference))


@pytest.mark.parametrize("role", ["agent", "auditor"])
def test_a_person_with_twelve_connections_costs_as_much_as_one_with_one(
    cast: Source, signed_in: Callable[[str], Client], role: str
) -> None:
    slugs = [entry.slug for entry in default().providers.values() if entry.slug != "oura"][:12]
    connect("ref-one", slugs[:1])
    connect("ref-twelve", slugs)
    browser = signed_in(role)
    asked = [queries(browser, reverse("admin:person", args=[people.the(name).pk])) for name in ("one", "twelve")]
    assert asked[0] == asked[1] <= 28
