"""A link's outcome follows from the connection that the consent made or renewed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.facts import Fact, LinkChanged, LinkState
from scopes.models import Source, TrailEntry
from scopes.reauth.link_outcomes import SECOND_CONNECTION
from scopes.reauth.link_status import LinkEnded, LinkStatus, status_of
from scopes.reauth.overdue import settle_overdue
from tests.cast import connection_of, take_in, terra, the
from tests.reauth.hands import (
    EVERYTHING,
    NOW,
    WITHOUT_HEARTRATE,
    after,
    consented,
    outcome,
    press,
    replaced,
    report,
    seen,
    send,
)

pytestmark = pytest.mark.django_db
GRANTED = consented("new-ben", EVERYTHING, "ben", after(2))
NEW_ID = replaced("new-ben", "ben-oura", EVERYTHING, "ben", after(2.01))


@pytest.mark.parametrize("facts", [(GRANTED, NEW_ID), (NEW_ID, GRANTED)], ids=["auth first", "user_reauth first"])
def test_a_full_grant_fixes_the_same_connection_under_its_new_id(cast: Source, facts: tuple[Fact, ...]) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    report(*facts)
    attempt.refresh_from_db()
    fixed = connection_of("ben")
    assert outcome(link) == ("fixed", "")
    assert (fixed.pk, fixed.user_id) == (ben.pk, "new-ben")
    assert (attempt.state, attempt.connection, link.connection) == ("succeeded", fixed, fixed)
    entry = TrailEntry.objects.get(verb="link.settled")
    assert (entry.actor_name, entry.subject, entry.detail["outcome"]) == ("terra:prod", link.public_id, "fixed")


def test_a_box_that_stays_unticked_changes_nothing_and_the_person_may_try_again(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    report(replaced("new-ben", "ben-oura", WITHOUT_HEARTRATE, "ben", after(2)))
    assert outcome(link) == ("unchanged", "missing: heartrate")
    assert status_of(link, after(3)) is LinkStatus.LIVE
    press(link, "newest-ben", after(5))
    report(replaced("newest-ben", "new-ben", EVERYTHING, "ben", after(6)))
    assert outcome(link) == ("fixed", "")
    with pytest.raises(LinkEnded):
        press(link, "too-late", after(7))


def test_a_part_of_what_was_missing_is_partly(cast: Source) -> None:
    take_in(consented("ben-oura", ("email", "personal", "tag", "daily"), "ben", NOW - timedelta(days=1)))
    link = send(the("ben")).link
    assert link.needs == ["heartrate", "workout"]
    press(link, "new-ben")
    report(replaced("new-ben", "ben-oura", ("email", "personal", "tag", "daily", "workout"), "ben", after(2)))
    assert outcome(link) == ("partly", "missing: heartrate")


def test_a_connection_that_works_again_without_the_scope_is_partly(cast: Source) -> None:
    link = send(the("cy")).link
    press(link, "new-cy")
    report(consented("new-cy", EVERYTHING, "cy", after(2)))
    assert outcome(link) == ("fixed", "")
    assert connection_of("cy").user_id == "new-cy"


def test_a_second_connection_that_turns_out_to_be_the_first_settles_the_link_anew(cast: Source) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    press(link, "new-ben")
    report(GRANTED)
    settle_overdue(terra(), after(20))
    assert outcome(link) == ("wrong_account", SECOND_CONNECTION)

    report(LinkChanged("oura", "ben-oura", LinkState.GONE, after(60 * 20)))

    assert (connection_of("ben").pk, connection_of("ben").user_id) == (ben.pk, "new-ben")
    assert outcome(link) == ("fixed", "")


def test_a_first_connection_settles_a_link_that_had_none(cast: Source) -> None:
    link = send(the("eve"), "fitbit").link
    press(link, "eve-google")
    report(consented("eve-google", ("anything",), "eve", after(2), provider="google_health"))
    assert outcome(link) == ("fixed", "")
    assert link.connection == connection_of("eve", "google_health")


def test_a_second_connection_is_merged_once_the_first_is_proved_gone(cast: Source) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    press(link, "new-ben")
    report(GRANTED, LinkChanged("oura", "ben-oura", LinkState.GONE, after(60)), seen("new-ben", "ben", after(61)))
    assert (connection_of("ben").pk, connection_of("ben").user_id) == (ben.pk, "new-ben")
    assert outcome(link) == ("fixed", "")
