"""What a link was made for is fixed once the verdict in force of its connection says so."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from scopes.judge.rules import REQUIRED, Judgement, VerdictLine
from scopes.models import ReauthLink
from scopes.reasons import Health, Helps
from scopes.reauth.progress import (
    THE_LINK,
    connection_of,
    connections_of,
    is_connected,
    judgements_of,
    missing,
    missing_of,
)
from tests import cast as people
from tests.reauth.hands import EVERYTHING, after, replaced, report, send


def judgement(health: Health, *lines: VerdictLine) -> Judgement:
    return Judgement(health, Helps.YES, "", "", lines)


HELD = VerdictLine(("daily",), REQUIRED, held=True, features=(), reason="", remedy="")
LACKING = VerdictLine(("heartrate",), REQUIRED, held=False, features=(), reason="declined", remedy="reauthenticate")
UNREPORTED = VerdictLine(("workout",), REQUIRED, held=None, features=(), reason="not_reported", remedy="verify")
NEEDS = (THE_LINK, "heartrate", "daily", "workout", "gone from the policy")


def test_what_is_not_known_to_be_held_is_not_fixed_and_what_is_no_longer_needed_is() -> None:
    assert missing(NEEDS, judgement(Health.BLOCKED, HELD, LACKING, UNREPORTED)) == ("heartrate", "workout")


def test_the_link_is_fixed_once_the_connection_is_not_broken() -> None:
    assert missing((THE_LINK,), judgement(Health.BROKEN)) == (THE_LINK,)
    assert missing((THE_LINK,), judgement(Health.OK)) == ()


def test_without_a_connection_nothing_is_fixed() -> None:
    assert missing(NEEDS, None) == NEEDS


@pytest.mark.usefixtures("cast")
def test_a_link_reads_what_is_missing_from_the_verdict_in_force() -> None:
    link = send(people.the("ben")).link
    assert missing_of(link) == ("heartrate",)

    report(replaced("new-ben", "ben-oura", EVERYTHING, "ben", after(2)))
    assert missing_of(link) == ()


@pytest.mark.usefixtures("cast")
def test_a_link_follows_its_connection_through_every_merge() -> None:
    ada, ben, cy = (people.connection_of(name) for name in ("ada", "ben", "cy"))
    of_ben, of_none = send(people.the("ben")).link, send(people.the("eve"), "fitbit").link
    for row, survivor in ((ben, cy), (cy, ada)):
        type(row).objects.filter(pk=row.pk).update(merged_into=survivor)

    assert connection_of(of_ben) == ada
    assert connections_of([of_ben, of_none]) == {of_ben.pk: ada, of_none.pk: None}


@pytest.mark.usefixtures("cast")
def test_many_connections_are_judged_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    rows = [people.connection_of(name) for name in ("ada", "ben", "cy")]
    with django_assert_num_queries(1):
        judged = judgements_of(rows)

    assert [judged[row.pk].health for row in rows] == [Health.OK, Health.BLOCKED, Health.BROKEN]
    assert not ReauthLink.objects.exists()


@pytest.mark.usefixtures("cast")
def test_a_person_is_connected_while_the_connection_works_whatever_it_lacks() -> None:
    assert is_connected(send(people.the("ben")).link)
    assert not is_connected(send(people.the("cy")).link)
    assert not is_connected(send(people.the("eve"), "fitbit").link), "there is none at the successor yet"
