"""How we are set up at a source, as a value that is kept as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from scopes.sources.setup import CheckResult, FailedEvent, FailedEvents, Setup
from tests.cast import NOW


def test_it_is_kept_as_json_and_read_back_though_keys_were_added_since() -> None:
    setup = Setup(providers=[{"name": "OURA"}], errors={"token": "no"}, causes=["filtered"])
    kept = json.loads(json.dumps(setup.as_data()))
    assert Setup.from_data(kept | {"of_a_later_version": 1}) == setup
    assert Setup.from_data({}) == Setup()


@pytest.mark.parametrize(("days", "soon"), [(6, True), (8, False), (-1, True)])
def test_a_token_expires_soon_within_a_week(days: int, *, soon: bool) -> None:
    token = {"expires_at": (NOW + timedelta(days=days)).isoformat()}
    assert Setup(token=token).expires_soon(NOW) is soon


def test_a_token_without_an_end_does_not_expire_soon() -> None:
    assert not Setup(token={"expires_at": None}).expires_soon(NOW) and not Setup().expires_soon(NOW)


def test_the_latest_failure_is_the_newest_that_has_a_time() -> None:
    def event(hours: int | None) -> FailedEvent:
        return FailedEvent("e", None if hours is None else NOW - timedelta(hours=hours), "auth", "oura", 500)

    assert FailedEvents((event(3), event(None), event(1)), complete=True).latest_at == NOW - timedelta(hours=1)
    assert FailedEvents((event(None),), complete=True).latest_at is None


def test_a_result_is_well_where_nothing_is_to_be_done() -> None:
    assert CheckResult("clock", "right").as_data() == {"check": "clock", "ok": True, "says": "right", "do": ""}
    assert not CheckResult("clock", "wrong", do="Set it.").ok
