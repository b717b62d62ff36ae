"""What suggests that two connections are one, and what suggests that they are two."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.facts import ConnectionSeen, LinkChanged, LinkState
from scopes.judge.duplicate_signs import Sign, last_data_on, signs, words_of_link
from scopes.models import Connection, Source
from tests.cast import CONSENTED, EVERYTHING, connection_of, consent, take_in

NEWER = CONSENTED + timedelta(days=3)
DATA = Sign(False, "Data arrived for the older one after the newer consent of 4 Mar 2026.")
BOTH_WORK = Sign(False, "Both work according to the source, so they may be two accounts.")
NO_DATA = Sign(True, "No data has arrived for the older one since the newer consent of 4 Mar 2026.")


def both() -> tuple[Connection, Connection]:
    """Ada's connection and another one of hers, with all that is known now."""
    rows = {row.user_id: row for row in Connection.objects.select_related("standing", "pulse")}
    return rows["ada-oura"], rows["second-oura"]


@pytest.fixture(autouse=True)
def _second(cast: Source) -> None:
    take_in(consent("second", "oura", EVERYTHING, at=NEWER))


def test_two_that_work_may_be_two_accounts_in_either_order() -> None:
    old, new = both()

    assert signs(old, new) == signs(new, old) == [BOTH_WORK, NO_DATA]


@pytest.mark.parametrize(
    ("ended", "sign"),
    [
        ("ada", Sign(True, "The older one no longer works (token rejected), the newer one does.")),
        ("second", Sign(False, "The newer one no longer works (token rejected), the older one does.")),
    ],
)
def test_one_that_ended_was_replaced_only_if_it_is_the_older(ended: str, sign: Sign) -> None:
    take_in(LinkChanged("oura", f"{ended}-oura", LinkState.TOKEN_REJECTED, NEWER + timedelta(days=1)))

    assert signs(*both())[0] == sign
    assert words_of_link(connection_of(ended)) == "token rejected"


def test_where_neither_works_that_is_no_sign() -> None:
    for name in ("ada", "second"):
        take_in(LinkChanged("oura", f"{name}-oura", LinkState.REVOKED, NEWER + timedelta(days=1)))

    assert signs(*both()) == [NO_DATA]


@pytest.mark.parametrize(("days", "sign"), [(0, NO_DATA), (1, DATA)])
def test_data_for_the_older_one_after_the_newer_consent_speaks_against_it(days: int, sign: Sign) -> None:
    day = (NEWER + timedelta(days=days)).date()
    take_in(ConnectionSeen("oura", "ada-oura", NEWER + timedelta(days=5), last_data_on=day))

    assert signs(*both())[1] == sign
    assert [last_data_on(row) for row in both()] == [day, None]


def test_the_account_at_the_provider_says_whether_they_are_one() -> None:
    ring, other = ConnectionSeen("oura", "ada-oura", NEWER, provider_user_id="a ring"), "another ring"
    take_in(ring, ConnectionSeen("oura", "second-oura", NEWER, provider_user_id=other))
    old, new = both()
    assert signs(old, new)[2] == Sign(False, "They use different accounts at the provider.")

    new.provider_user_id = "a ring"
    assert signs(old, new)[2] == Sign(True, "Both use the same account at the provider.")
    new.provider_user_id = ""
    assert len(signs(old, new)) == 2
