"""A life of events, delivered in any order, twice, or not at all: after the next listing the records are the same.

Through the webhook's door and a real listing over HTTP. See `terras_side` for what happens at Terra.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import transaction
from django.db.models import Q
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scopes import flow
from scopes.facts import LinkState
from scopes.models import Connection, FormerId, Source, SuspectedDuplicate
from scopes.sources.events import EventProof
from scopes.sources.terra.client import Terra as Client
from scopes.sources.terra.environments import Environment
from scopes.sync import deliveries, listing, live_check, quarantine, webhook
from scopes.sync.body import Body
from tests.cast import OURA_POLICY, PEOPLE, SCREEN_SINCE, policy_for
from tests.intake.recording import periods
from tests.sync.terras_side import BEGAN, Event, Terra
from tests.terra_sandbox import gateway_of

pytestmark = pytest.mark.django_db

AFTERWARDS = BEGAN + timedelta(days=20)
EXAMPLES = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCOPES = ("daily", "email", "heartrate")
some = st.sets(st.sampled_from(SCOPES), min_size=1)
TOKEN = "Connection degraded: the provider rejected Terra's access token; the user may need to reauthenticate"


@st.composite
def lives(draw: st.DrawFn) -> Terra:
    terra = Terra(legacy=draw(st.booleans()))
    terra.consents(draw(some))
    for _ in range(draw(st.integers(1, 6))):
        step = draw(st.sampled_from(["consent", "reauth", "change", "data", "fail", "refuse", "revoke", "delete"]))
        match step:
            case "consent" | "reauth":
                terra.consents(draw(some), names_the_old=draw(st.booleans()) or step == "reauth")
            case "change":
                terra.changes(draw(some))
            case "data":
                terra.sends_data()
            case "fail":
                terra.fails(draw(st.sampled_from([TOKEN, "insufficient permissions for data type"])))
            case "refuse":
                terra.refuses()
            case "revoke":
                terra.revokes()
            case _:
                terra.is_deleted()
    return terra


@dataclass(frozen=True)
class Ended:
    """A connection as it ended: what a verdict stands on, and the ids that it went by before."""

    user_id: str
    link: str
    reported: tuple[str, ...]
    lost: tuple[str, ...]
    consented_at: datetime | None
    consent_known: bool
    plan: str
    person: str
    former: frozenset[str]
    suspected: bool = field(compare=False)


class Portal:
    """Our side: deliveries come in by the webhook's door, and a night lists what Terra has."""

    def __init__(self, httpserver: HTTPServer, terra: Terra) -> None:
        self.terra = terra
        environment = Environment("prod", "dev", "key", production=True, base_url=httpserver.url_for("/api/v2"))
        self.gateway = gateway_of(Client(environment))
        self.moments = count()
        httpserver.clear()
        httpserver.expect_request("/api/v2/subscriptions").respond_with_handler(self._subscriptions)
        httpserver.expect_request("/api/v2/userInfo").respond_with_handler(self._user)

    def _subscriptions(self, request: Request) -> Response:
        users = [user.as_json() for user in self.terra.users]
        return Response(json.dumps({"data": {"next": None, "results": users}}), content_type="application/json")

    def _user(self, request: Request) -> Response:
        found = [user.as_json() for user in self.terra.users if user.user_id == request.args["user_id"]]
        if not found:
            problem = {"type": "about:blank", "title": "not found", "instance": "/userInfo", "detail": "user not found"}
            return Response(json.dumps(problem), 404, content_type="application/problem+json")
        return Response(json.dumps({"user": found[0], "is_authenticated": True}), content_type="application/json")

    def receive(self, at: datetime, event: Event) -> None:
        now = self.moment()
        signed_at = at.replace(microsecond=0)
        proof = EventProof(signed_at, signed_at if self.terra.legacy else at)
        body = Body(json.dumps(event).encode())
        webhook.store(self.gateway, body, proof, stale_after=timedelta(minutes=5), now=now)

    def run_pending(self) -> None:
        deliveries.process_pending(self.moment())
        assert not deliveries.unprocessed().exists()

    def moment(self) -> datetime:
        return AFTERWARDS + timedelta(seconds=next(self.moments))

    def list_all(self) -> None:
        def clock() -> datetime:
            return AFTERWARDS + timedelta(hours=1, seconds=next(self.moments))

        source = Source.objects.get(key="terra:prod")
        listing.take(source, self.gateway, clock, lambda users: None)
        quarantine.apply_believed(source, clock)
        live_check.check_unconfirmed(source, self.gateway, clock, 10)

    def ended(self) -> list[Ended]:
        ended = []
        for row in Connection.objects.filter(merged_into__isnull=True).select_related("standing", "person"):
            periods.checked(row)
            ended.append(
                Ended(
                    user_id=row.user_id,
                    link=row.standing.link,
                    reported=tuple(row.standing.reported or ()),
                    lost=tuple(row.standing.earlier),
                    consented_at=row.consented_at,
                    consent_known=row.standing.consent_version_id is not None,
                    plan=row.standing.plan,
                    person=row.person.reference_id if row.person else "",
                    former=frozenset(former_ids(row)),
                    suspected=SuspectedDuplicate.objects.filter(
                        Q(first=row) | Q(second=row), state=SuspectedDuplicate.State.OPEN
                    ).exists(),
                )
            )
        for merged in Connection.objects.filter(merged_into__isnull=False):
            periods.checked(merged)
        return sorted(ended, key=lambda one: one.user_id)


def former_ids(row: Connection) -> Iterator[str]:
    yield from FormerId.objects.filter(connection=row).values_list("user_id", flat=True)
    for absorbed in Connection.objects.filter(merged_into=row):
        yield from former_ids(absorbed)


@contextmanager
def world(httpserver: HTTPServer, terra: Terra) -> Iterator[Portal]:
    """A portal that knows Ada and Oura's policy and nothing else; gone with the block."""
    before = transaction.savepoint_create()
    policy_for("oura", OURA_POLICY, now=SCREEN_SINCE)
    flow.take_in_people(PEOPLE, SCREEN_SINCE)
    yield Portal(httpserver, terra)
    transaction.savepoint_rollback(before)


def who(event: Event) -> str:
    user = event.get("new_user") or event.get("user") or {}
    return f"{user.get('user_id')} ({user.get('scopes')})"


def delivered(
    httpserver: HTTPServer,
    terra: Terra,
    events: Sequence[tuple[datetime, Event]],
    waiting: Collection[int] = (),
) -> list[Ended]:
    """The records at the end; an event at one of the places `waiting` is processed together with the next one."""
    note("delivered: " + " · ".join(f"{at:%d} {event['type']} {who(event)}" for at, event in events))
    with world(httpserver, terra) as portal:
        for place, (at, event) in enumerate(events):
            portal.receive(at, event)
            if place not in waiting:
                portal.run_pending()
        portal.run_pending()
        portal.list_all()
        return portal.ended()


@EXAMPLES
@given(lives(), st.data())
def test_events_in_any_order_any_number_of_repeats_and_any_batches_end_in_the_same_records(
    httpserver: HTTPServer, terra: Terra, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(terra.events), max_size=3))
    arrived = data.draw(st.permutations([*terra.events, *again]))
    waiting = data.draw(st.sets(st.integers(0, len(arrived))))

    assert delivered(httpserver, terra, arrived, waiting) == delivered(httpserver, terra, terra.events)


@EXAMPLES
@given(lives(), st.data())
def test_a_listing_makes_up_for_dropped_events(httpserver: HTTPServer, terra: Terra, data: st.DataObject) -> None:
    # No listing reports that a token was rejected, or works again: no event since then is dropped here.
    rejected = min((at for at, body in terra.events if body.get("message") == TOKEN), default=None)
    droppable = [event for event in terra.events if rejected is None or event[0] < rejected]
    dropped = data.draw(st.lists(st.sampled_from(droppable), min_size=1, max_size=4)) if droppable else []
    arrived = data.draw(st.permutations([event for event in terra.events if event not in dropped]))

    fixed, whole = delivered(httpserver, terra, arrived), delivered(httpserver, terra, terra.events)

    works = {one.user_id: one for one in whole if one.link in (LinkState.ACTIVE, LinkState.TOKEN_REJECTED)}
    for one in fixed:
        if (same := works.pop(one.user_id, None)) is not None:
            # Scopes lost before, and earlier ids, are not reported again.
            assert replace(one, lost=(), former=same.former) == replace(same, lost=())
            assert one.former <= same.former
        else:
            assert one.link not in (LinkState.ACTIVE, LinkState.UNCONFIRMED)
            assert one.suspected or len(fixed) == 1, "it is merged, or else suspected as a duplicate"
    assert not works
