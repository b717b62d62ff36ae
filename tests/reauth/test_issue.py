"""Links are made by the rules, one live one at a time, and leave their trail."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from scopes.models import Integration, ReauthLink, Source, TrailEntry
from scopes.reauth import contact, landing
from scopes.reauth.issue import AddressIsFinal, Issued, NotAllowed, hash_of, new_address, withdraw
from scopes.reauth.link_status import LinkEnded, LinkStatus, live_links, status_of
from scopes.reauth.target import Target, target_of
from tests.cast import assemble, connection_of, take_in, the
from tests.reauth.hands import EVERYTHING, NOW, act, consented, outcome, rex, send

pytestmark = pytest.mark.django_db


def test_a_link_is_made_for_what_is_missing_and_lives_for_a_week(cast: Source) -> None:
    ben = the("ben")
    link = send(ben, ticket="T-1").link
    assert link.connection == connection_of("ben") and link.needs == ["heartrate"]
    assert link.expires_at - link.created_at == timedelta(days=7)
    assert status_of(link, NOW) is LinkStatus.LIVE
    assert status_of(link, NOW + timedelta(days=7)) is LinkStatus.EXPIRED
    entry = TrailEntry.objects.get(verb="link.issued")
    assert (entry.actor_name, entry.person, entry.subject) == ("rex", ben, link.public_id)
    assert (entry.reason, entry.ticket) == ("Asked on the phone.", "T-1")


def test_the_secret_is_stored_nowhere(cast: Source) -> None:
    with CaptureQueriesContext(connection) as queries:
        issued = send(the("ben"))
    assert len(issued.secret) == 43, "256 bits"
    assert bytes(issued.link.secret_hash) == hash_of(issued.secret)
    assert not [query for query in queries if issued.secret in query["sql"]]


def test_a_refused_link_leaves_nothing(cast: Source) -> None:
    with pytest.raises(NotAllowed) as refused:
        send(the("ada"))
    assert [obstacle.code for obstacle in refused.value.preflight.obstacles] == ["not_needed"]
    assert not ReauthLink.objects.exists() and not TrailEntry.objects.filter(verb="link.issued").exists()


def test_a_lead_overrides_what_can_be_overridden_and_the_trail_says_so(cast: Source) -> None:
    link = send(the("ada"), override=True, reason="She uses another account.").link
    assert link.needs == []
    assert TrailEntry.objects.get(verb="link.issued").detail["overridden"] == ["not_needed"]
    with pytest.raises(NotAllowed):
        send(the("dee"), "apple_health", override=True)


def test_two_at_once_leave_one_live_link(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assemble()
    ben, agent = the("ben"), rex()
    together = threading.Barrier(2)
    made: list[Issued] = []

    def meet(*arguments: Any, **limit: Any) -> Target:
        """Both decide before either writes, unless one has to wait for the other."""
        target = target_of(*arguments, **limit)
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(timeout=1)
        return target

    monkeypatch.setattr("scopes.reauth.issue.target_of", meet)

    def work() -> None:
        try:
            made.append(send(ben, author=agent))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(made) == 2
    (live,) = live_links(NOW)
    (ended,) = ReauthLink.objects.filter(superseded_by__isnull=False)
    assert ended.superseded_by == live


def test_a_new_address_takes_the_place_of_all_earlier_ones_on_the_same_link(cast: Source) -> None:
    first = send(the("ben"))
    link, public_id = first.link, first.link.public_id
    ReauthLink.objects.update(earlier_secret_hashes=[hash_of("of a mail")])
    before = contact.recent_links([the("ben").pk], NOW)

    with CaptureQueriesContext(connection) as queries:
        renewed = new_address(link, act("Closed the window."), NOW + timedelta(minutes=9))

    assert renewed.link.pk == link.pk and landing.find(public_id, renewed.secret)
    assert landing.find(public_id, first.secret) is None and landing.find(public_id, "of a mail") is None
    assert not [query for query in queries if renewed.secret in query["sql"]]
    assert contact.recent_links([the("ben").pk], NOW) == before == {the("ben").pk: 1}
    assert TrailEntry.objects.get(verb="link.address_renewed").reason == "Closed the window."
    with pytest.raises(AddressIsFinal):
        new_address(link, act("Too late."), NOW + timedelta(minutes=10))
    withdraw(link, act("Wrong ticket."), NOW)
    with pytest.raises(LinkEnded, match="already withdrawn"):
        new_address(link, act("After its end."), NOW)


def test_withdrawing_ends_a_link_once(cast: Source) -> None:
    link = send(the("ben")).link
    withdraw(link, act("Sent to the wrong ticket."), NOW)
    link.refresh_from_db()
    assert status_of(link, NOW) is LinkStatus.WITHDRAWN and outcome(link) == ("", "")
    assert TrailEntry.objects.get(verb="link.withdrawn").reason == "Sent to the wrong ticket."
    with pytest.raises(LinkEnded, match="already withdrawn"):
        withdraw(link, act("Again."), NOW)


def test_a_retired_provider_is_left_alone_and_its_successor_linked(cast: Source) -> None:
    fitbit = connection_of("eve", "fitbit")
    assert not Integration.objects.filter(provider__slug="google_health").exists()
    link = send(the("eve"), "fitbit", connection=fitbit).link
    assert link.integration.provider.slug == "google_health"
    assert (link.connection, link.needs) == (None, ["*"])


def test_an_ended_connection_is_to_work_again(cast: Source) -> None:
    assert send(the("cy")).link.needs == ["*"]


def test_of_two_connections_the_one_that_is_named_is_meant(cast: Source) -> None:
    first = connection_of("ben")
    take_in(consented("another-account", EVERYTHING, "ben", NOW))
    assert send(the("ben"), connection=first).link.connection == first
    with pytest.raises(NotAllowed):
        send(the("ben"))
