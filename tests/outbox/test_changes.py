"""What changes of standings are reported: each change once, by the verdict, and nothing where nobody wants it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scopes import flow
from scopes.facts import ConsentGiven, Fact, IdReplaced, LinkChanged, LinkState, PersonKnown
from scopes.models import Connection, OutboxEvent, Sending
from scopes.models.trail import Act
from tests import cast
from tests.outbox.receiving import endpoint, written
from tests.reauth.hands import act

pytestmark = pytest.mark.django_db

LATER = cast.CONSENTED + timedelta(days=60)
ALL_BUT_HEART = tuple(scope for scope in cast.EVERYTHING if scope != "heartrate")


def revoked(name: str) -> LinkChanged:
    return LinkChanged("oura", f"{name}-oura", LinkState.REVOKED, LATER)


def types() -> list[str]:
    return [kind for kind, _ in written()]


def test_what_broke_is_reported_with_ids_and_the_reason() -> None:
    cast.assemble()
    endpoint()

    cast.take_in(revoked("ada"))

    ((kind, data),) = written()
    assert kind == "connection.broken"
    assert data == {
        "connection": {
            "id": cast.connection_of("Ada").pk,
            "source": "terra:prod",
            "provider": "oura",
            "user_id": "ada-oura",
            "reference_id": "ref-ada",
        },
        "happened_at": LATER.isoformat(),
        "health": "broken",
        "helps": "yes",
        "reason": "revoked",
        "remedy": "reauthenticate",
    }


def test_what_is_recorded_twice_is_reported_once() -> None:
    cast.assemble()
    endpoint()

    cast.take_in(revoked("ada"))
    cast.take_in(revoked("ada"), revoked("ada"))
    cast.take_in(LinkChanged("oura", "ada-oura", LinkState.TOKEN_REJECTED, LATER + timedelta(days=1)))

    assert types() == ["connection.broken"]  # it was broken already: another reason is no other change


def test_a_consent_that_brings_back_a_lost_scope_is_reported_as_fixed_and_granted() -> None:
    cast.assemble()
    endpoint()

    cast.take_in(cast.consent("ben", "oura", cast.EVERYTHING, LATER), cast.consent("cy", "oura", ALL_BUT_HEART, LATER))

    by_person = {(data["connection"]["reference_id"], kind): data for kind, data in written()}
    assert set(by_person) == {
        ("ref-ben", "scopes.granted"),
        ("ref-cy", "connection.fixed"),
        ("ref-cy", "scopes.missing"),
    }
    (granted,) = by_person["ref-ben", "scopes.granted"]["scopes"]
    assert granted == {"any_of": ["heartrate"], "need": "required", "features": ["recovery"]}
    (missing,) = by_person["ref-cy", "scopes.missing"]["scopes"]
    assert (missing["reason"], missing["remedy"]) == ("declined", "reauthenticate")


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (cast.consent("gus", "oura", cast.EVERYTHING, LATER), []),
        (cast.consent("gus", "oura", ALL_BUT_HEART, LATER), ["scopes.missing"]),
        (LinkChanged("oura", "gus-oura", LinkState.REVOKED, LATER), ["connection.broken"]),
        (cast.consent("gus", "apple_health", None, LATER), []),
    ],
)
def test_of_a_new_connection_only_what_is_wrong_is_reported(first: Fact, expected: list[str]) -> None:
    cast.assemble()
    endpoint()

    cast.take_in(first)

    assert types() == expected


def test_a_waived_scope_is_not_missing_and_is_again_once_the_waiver_ends() -> None:
    cast.assemble()
    endpoint()
    act = Act(None, "They said no.", by="Pat")

    waiver = flow.waive(cast.connection_of("Ben"), "heartrate", (cast.NOW + timedelta(days=9)).date(), act, cast.NOW)
    assert types() == []
    flow.end_waiver(waiver, act, cast.NOW)

    assert types() == ["scopes.missing"]


def test_another_plan_that_needs_another_scope_is_reported() -> None:
    cast.assemble()
    cast.take_in(cast.consent("ben", "oura", ("daily", "heartrate", "workout"), LATER))
    endpoint()

    flow.take_in_people([PersonKnown("ref-ben", "ben@example.com", "Ben Bitdiddle", "de", "pro")], cast.NOW)

    ((kind, data),) = written()
    assert (kind, data["scopes"][0]["any_of"]) == ("scopes.missing", ["session"])


def test_a_reauthorisation_under_a_new_id_is_reported_of_the_connection_that_goes_on() -> None:
    cast.assemble()
    cy = cast.connection_of("Cy")
    endpoint()

    cast.take_in(IdReplaced("oura", "cy-new", "cy-oura", LATER, reference_id="ref-cy", scopes=cast.EVERYTHING))

    ((kind, data),) = written()
    assert (kind, data["connection"]["id"], data["connection"]["user_id"]) == ("connection.fixed", cy.pk, "cy-new")


def test_once_a_merge_is_undone_what_was_reported_since_is_reported_of_the_connection_that_it_is_about() -> None:
    cast.assemble()
    take_in = cast.take_in
    take_in(ConsentGiven("oura", "ada-new", LATER, reference_id="ref-ada", scopes=cast.EVERYTHING))
    old, new = (Connection.objects.get(user_id=name) for name in ("ada-oura", "ada-new"))
    why = act("They are two rings.")
    record = flow.merge(old.pk, new.pk, why, LATER)
    endpoint()

    take_in(LinkChanged("oura", "ada-new", LinkState.REVOKED, LATER + timedelta(days=1)))
    flow.unmerge(record.pk, why, LATER + timedelta(days=2))

    assert [(kind, data["connection"]["id"], data["connection"]["user_id"]) for kind, data in written()] == [
        ("connection.broken", old.pk, "ada-new"),
        ("connection.broken", new.pk, "ada-new"),
        ("connection.fixed", old.pk, "ada-oura"),
    ]


def test_an_id_that_is_an_address_is_left_out() -> None:
    cast.assemble()
    flow.take_in_people([PersonKnown("gus@example.com", "gus@example.com", "Gus", "en", "free")], cast.NOW)
    endpoint()

    cast.take_in(LinkChanged("oura", "x-1", LinkState.REVOKED, LATER, reference_id="gus@example.com"))

    ((_, data),) = written()
    assert data["connection"]["reference_id"] is None and "@" not in str(data)


def test_without_an_endpoint_nothing_is_written_and_with_one_the_statements_stay_as_few() -> None:
    cast.assemble()

    def statements(*names: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            cast.take_in(*(LinkChanged("oura", f"{name}-oura", LinkState.GONE, cast.NOW) for name in names))
        return len(queries)

    cast.take_in(*(cast.consent(f"p{number}", "oura", cast.EVERYTHING, LATER) for number in range(40)))
    cast.take_in(LinkChanged("oura", "p0-oura", LinkState.GONE, cast.NOW))  # its standing is known from now on
    without = statements("p1")
    assert not OutboxEvent.objects.exists()
    endpoint("one")
    endpoint("two", types=["connection.broken"], sources=[cast.terra()])
    one = statements("p2")
    many = statements(*(f"p{number}" for number in range(3, 40)))

    assert (one, many) == (without + 3, without + 3)
    assert OutboxEvent.objects.count() == 38 and Sending.objects.count() == 76
