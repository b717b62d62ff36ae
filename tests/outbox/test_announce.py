"""What is reported besides changes of standing: links, incidents, audits."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from scopes import nightly
from scopes.models import Incident, Listing, OutboxEvent, ReauthLink
from scopes.models.trail import Act
from scopes.sync import quarantine
from tests import cast
from tests.outbox.receiving import endpoint, written
from tests.reauth.hands import press, refused, send

pytestmark = pytest.mark.django_db

LATER = cast.NOW + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _cast() -> None:
    cast.assemble()


def test_a_link_that_is_settled_is_reported_with_its_connection_and_once() -> None:
    attempt = press(send(cast.the("Ben")).link, "ben-minted")
    endpoint(types=["link.settled"])

    for _ in range(2):
        cast.take_in(cast.consent("ben", "oura", cast.EVERYTHING, LATER), now=LATER)

    ((kind, data),) = written()
    assert (kind, data["outcome"], data["needs"]) == ("link.settled", "fixed", ["heartrate"])
    assert data["link"] == ReauthLink.objects.get(attempts=attempt).public_id
    assert data["connection"]["id"] == OutboxEvent.objects.get().connection_id == cast.connection_of("Ben").pk
    assert data["connection"]["reference_id"] == "ref-ben"


def test_a_link_without_a_connection_is_reported_with_its_person_and_provider() -> None:
    endpoint()
    link = press(send(cast.the("Ben"), provider="whoop").link, "ben-whoop").link
    assert link is not None
    cast.take_in(refused("access_denied", "ben", LATER, user_id="ben-whoop"), now=LATER)

    (data,) = [data for kind, data in written() if kind == "link.settled"]
    assert data["outcome"] == "failed" and data["connection"]["id"] is None
    assert (data["connection"]["provider"], data["connection"]["reference_id"]) == ("whoop", "ref-ben")


def test_an_incident_is_reported_when_it_ends_with_its_numbers() -> None:
    endpoint()
    listing = Listing.objects.create(source=cast.terra(), started_at=cast.NOW, finished_at=cast.NOW)
    row = Incident.objects.create(
        integration=cast.integration_of("oura"), listing=listing, broken=70, working=100, opened_at=cast.NOW
    )

    quarantine.discard(row.pk, Act(None, "An error of theirs.", by="rex"), LATER)

    ((kind, data),) = written()
    assert kind == "provider.incident"
    assert data == {
        "incident": row.pk, "source": "terra:prod", "provider": "oura", "state": "discarded", "broken": 70,
        "working": 100, "opened_at": cast.NOW.isoformat(),
    }  # fmt: skip


def test_an_audit_that_finished_is_reported_with_what_it_found() -> None:
    endpoint(types=["audit.finished"])
    run = nightly.run([], offline=True, clock=lambda: cast.NOW, on_page=lambda _page: None)

    ((kind, data),) = written()
    assert (kind, data["audit"], data["state"]) == ("audit.finished", run.pk, "done")
    assert data["findings"] == [{"code": one["code"], "number": one["number"]} for one in run.findings]
    json.dumps(data)


def test_without_an_endpoint_an_audit_is_not_reported() -> None:
    nightly.run([], offline=True, clock=lambda: cast.NOW, on_page=lambda _page: None)
    assert not OutboxEvent.objects.exists()
