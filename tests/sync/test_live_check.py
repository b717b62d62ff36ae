"""Asking Terra about single connections over real HTTP: its reply is stored, and the facts that follow are recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from scopes.facts import ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind
from scopes.flow import Batches
from scopes.models import Connection, LiveCheck, Period, Source
from scopes.sources.errors import SourceUnavailable
from scopes.sources.gateway import Gateway
from scopes.sources.terra.client import Terra
from scopes.sources.terra.environments import Environment
from scopes.sources.terra.exchange import TerraLimits
from scopes.sync import listing, live_check
from scopes.sync.live_check import Checked
from tests import cast
from tests.terra_sandbox import Listed, gateway_of, listed

pytestmark = pytest.mark.django_db

Clock = Callable[[], datetime]
NOW = cast.NOW + timedelta(days=5)  # after the last data of the sandbox's people


@pytest.fixture
def clock() -> Clock:
    seconds = count()
    return lambda: NOW + timedelta(seconds=next(seconds))


@pytest.fixture
def terra(clock: Clock) -> Iterator[Listed]:
    """The sandbox's cast and some more, all of them recorded by a listing; their athletes may be probed."""
    with listed(12, probe=True) as found:
        walk(found, clock)
        yield found


def source() -> Source:
    return Source.objects.get_or_create(kind="terra", name="sandbox")[0]


def walk(terra: Listed, clock: Clock) -> None:
    listing.take(source(), terra.gateway, clock, lambda users: None)


def of(reference: str, provider: str = "oura") -> Connection:
    return Connection.objects.select_related("standing").get(
        reference_id=reference, integration__provider__slug=provider
    )


def check(gateway: Gateway, clock: Clock, *rows: Connection) -> tuple[Checked, list[LiveCheck]]:
    """Check these; the result, and the checks."""
    checks = live_check.new_checks(rows, "rex", clock())
    return live_check.answer(checks, gateway, clock), checks


def reported(row: Connection, link: LinkState, at: datetime) -> None:
    """The source reported this state of the link."""
    Batches(source())([LinkChanged("oura", row.user_id, link, at)], Origin("terra:sandbox", OriginKind.WEBHOOK), at)


def test_a_reply_is_stored_and_recorded_like_any_other_fact(terra: Listed, clock: Clock) -> None:
    ben = of("ben")
    terra.happens(ben.user_id, "permission_change", scopes=["email", "personal"])

    checked, (answer,) = check(terra.gateway, clock, ben)

    assert (checked.answered, checked.unanswered, checked.trouble) == (1, 0, None)
    answer.refresh_from_db()
    assert (answer.answer, answer.active, sorted(answer.scopes or [])) == ("known", True, ["email", "personal"])
    assert (answer.author, answer.user_id, answer.consented_at) == ("rex", ben.user_id, ben.consented_at)
    assert of("ben").standing.reported == ["email", "personal"]
    period = Period.objects.get(connection=ben, until=None)
    assert (period.origin, period.origin_record) == ("live_check", f"live_check:{answer.pk}")


def test_a_provider_that_answers_clears_a_rejected_token_and_names_the_account(terra: Listed, clock: Clock) -> None:
    ada = of("ada")
    reported(ada, LinkState.TOKEN_REJECTED, clock())

    _, (answer,) = check(terra.gateway, clock, ada)

    assert answer.probe == "answered" and answer.account
    assert (of("ada").standing.link, of("ada").provider_user_id) == (LinkState.ACTIVE, answer.account)


def test_without_the_probe_an_active_that_is_true_proves_nothing_of_the_token(clock: Clock) -> None:
    with listed(12) as terra:
        walk(terra, clock)
        reported(of("ada"), LinkState.TOKEN_REJECTED, clock())

        _, (answer,) = check(terra.gateway, clock, of("ada"))

    assert (answer.answer, answer.active, answer.probe) == ("known", True, "")
    assert of("ada").standing.link == LinkState.TOKEN_REJECTED


def test_an_expired_authorisation_is_found_by_the_probe_alone(terra: Listed, clock: Clock) -> None:
    ada = of("ada")
    terra.happens(ada.user_id, "revoke")  # Oura reports it to nobody

    _, (answer,) = check(terra.gateway, clock, ada)

    assert (answer.answer, answer.active, answer.probe) == ("known", True, "expired")
    assert "Authorization expired" in answer.detail
    assert of("ada").standing.link == LinkState.TOKEN_REJECTED


def test_an_error_of_the_athlete_is_kept_and_changes_nothing(terra: Listed, clock: Clock) -> None:
    ada = of("ada")
    terra.happens(ada.user_id, "permission_change", scopes=["email", "daily"])

    _, (answer,) = check(terra.gateway, clock, ada)

    assert answer.probe == "no_profile"
    assert of("ada").standing.link == LinkState.ACTIVE


@pytest.mark.parametrize("link", [LinkState.REVOKED, LinkState.DEAUTHORISED])
def test_an_expired_authorisation_does_not_blur_how_the_access_ended(
    terra: Listed, clock: Clock, link: LinkState
) -> None:
    ada = of("ada")
    reported(ada, link, clock())
    terra.happens(ada.user_id, "revoke")

    check(terra.gateway, clock, ada)

    assert of("ada").standing.link == link


def test_a_404_alone_makes_it_unconfirmed_and_after_a_listing_without_it_gone(terra: Listed, clock: Clock) -> None:
    ada = of("ada")
    terra.forget(ada.user_id)

    check(terra.gateway, clock, ada)
    assert of("ada").standing.link == LinkState.UNCONFIRMED

    checked, (again,) = check(terra.gateway, clock, ada)
    assert (again.answer, checked.gone) == ("not_found", 0)
    assert of("ada").standing.link == LinkState.UNCONFIRMED, "no listing was walked since"

    walk(terra, clock)
    checked, _ = check(terra.gateway, clock, ada)
    assert checked.gone == 1
    assert of("ada").standing.link == LinkState.GONE


def test_a_404_changes_nothing_about_a_link_that_is_broken_already(terra: Listed, clock: Clock) -> None:
    ada = of("ada")
    reported(ada, LinkState.REVOKED, clock())
    terra.forget(ada.user_id)

    check(terra.gateway, clock, ada)

    assert of("ada").standing.link == LinkState.REVOKED


def test_a_connection_that_is_known_again_is_confirmed(terra: Listed, clock: Clock) -> None:
    reported(of("ada"), LinkState.UNCONFIRMED, clock())

    checked, _ = check(terra.gateway, clock, of("ada"))

    assert checked.confirmed == 1
    assert of("ada").standing.link == LinkState.ACTIVE


def test_facts_that_arrive_during_the_check_are_newer_than_its_reply(
    terra: Listed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = of("ada")
    times = [clock() for _ in range(4)]
    turns = iter([times[0], times[1], times[3]])  # created, sent, recorded
    take_in = Batches(source())

    def late(batch: Any, origin: Origin, now: datetime) -> object:
        reported(ada, LinkState.REVOKED, times[2])
        return take_in(batch, origin, now)

    checks = live_check.new_checks([ada], "rex", next(turns))
    monkeypatch.setattr(live_check, "Batches", lambda _source: late)
    live_check.answer(checks, terra.gateway, lambda: next(turns))

    assert of("ada").standing.link == LinkState.REVOKED


def test_when_terra_is_down_nothing_changes_and_pending_checks_can_be_retried(terra: Listed, clock: Clock) -> None:
    rows = list(Connection.objects.order_by("pk")[:12])
    periods = Period.objects.count()
    terra.add_fault(kind="504", path="/userInfo", rate=1.0)
    checks = live_check.new_checks(rows, "rex", clock())
    LiveCheck.objects.bulk_create(checks)

    checked = live_check.answer(checks, terra.gateway, clock)

    assert (checked.answered, checked.unanswered) == (0, 12)
    assert "504" in str(checked.trouble)
    assert live_check.pending(source=source()).count() == 12
    assert Period.objects.count() == periods

    terra.control("DELETE", "faults")
    again = live_check.answer(live_check.pending(), terra.gateway, clock)
    assert (again.answered, live_check.pending().count()) == (12, 0)


def test_a_refused_key_is_the_answer_and_changes_nothing_about_the_connection(terra: Listed, clock: Clock) -> None:
    terra.add_fault(kind="401", path="/userInfo", times=1)

    checked, checks = check(terra.gateway, clock, of("ada"))
    assert checked.trouble is not None and not LiveCheck.objects.exists()
    LiveCheck.objects.bulk_create(checks)
    live_check.give_up(checks, checked.trouble, clock())

    assert LiveCheck.objects.get().answer == "credential"
    assert of("ada").standing.link == LinkState.ACTIVE


def test_a_consent_that_was_never_finished_is_no_connection(httpserver: HTTPServer, clock: Clock) -> None:
    environment = Environment("sandbox", "dev", "key", base_url=httpserver.url_for("/v2"), requests_per_second=0)
    user = {"user_id": "minted", "provider": "OURA", "active": None}
    httpserver.expect_request("/v2/userInfo").respond_with_json(
        {"user": user, "status": "success", "is_authenticated": False}
    )
    Batches(source())(
        [ConnectionSeen("oura", "minted", clock(), reference_id="ada")],
        Origin("terra:sandbox", OriginKind.FILE),
        clock(),
    )
    reported(of("ada"), LinkState.UNCONFIRMED, clock())

    check(gateway_of(Terra(environment, TerraLimits(attempts=1))), clock, of("ada"))

    assert LiveCheck.objects.get().answer == "unfinished"
    assert of("ada").standing.link == LinkState.UNCONFIRMED


def test_a_check_uses_the_id_that_the_connection_has_by_then(terra: Listed, clock: Clock) -> None:
    ada = of("ada")
    checks = live_check.new_checks([ada], "rex", clock())
    LiveCheck.objects.bulk_create(checks)
    Connection.objects.filter(pk=ada.pk).update(user_id="another")

    live_check.answer(checks, terra.gateway, clock)

    assert [(one.user_id, one.answer) for one in LiveCheck.objects.all()] == [("another", "not_found")]


def test_what_was_answered_or_erased_by_now_is_skipped(terra: Listed, clock: Clock) -> None:
    LiveCheck.objects.bulk_create(live_check.new_checks([of("ada"), of("ben")], "rex", clock()))
    mine = list(live_check.pending())
    live_check.answer(live_check.pending()[:1], terra.gateway, clock)
    LiveCheck.objects.filter(pk=mine[1].pk).delete()

    checked = live_check.answer(mine, terra.gateway, clock)
    live_check.give_up(mine, SourceUnavailable("down"), clock())

    assert checked.trouble is None
    assert [check.answer for check in LiveCheck.objects.all()] == ["known"]


def test_an_agent_may_check_so_many_an_hour(terra: Listed, clock: Clock) -> None:
    LiveCheck.objects.bulk_create(live_check.new_checks(Connection.objects.all()[:5], "rex", NOW))

    assert live_check.allowance("rex", NOW) == live_check.AN_HOUR_EACH - 5
    assert live_check.allowance("vera", NOW) == live_check.AN_HOUR_EACH
    assert live_check.allowance("rex", NOW + timedelta(hours=1)) == live_check.AN_HOUR_EACH
