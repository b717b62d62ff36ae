"""What the source tells afterwards settles the attempt and the link, in whatever order it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import DjangoAssertNumQueries

from scopes.facts import Fact, LinkChanged, LinkState
from scopes.models import Attempt, Connection, Merge, Person, ReauthLink, Source, TrailEntry
from scopes.reauth import landing
from scopes.reauth.landing import LinkEnded
from scopes.reauth.link_status import LinkStatus, status_of
from scopes.reauth.result import Result, result_of
from scopes.reauth.settle import SECOND_CONNECTION, overdue, settle, settle_overdue
from tests.cast import connection_of, take_in, terra, the
from tests.reauth.hands import (
    EVERYTHING,
    NOW,
    WITHOUT_HEARTRATE,
    after,
    consented,
    outcome,
    press,
    refused,
    replaced,
    seen,
    send,
    tell,
)

pytestmark = pytest.mark.django_db

GRANTED = consented("new-ben", EVERYTHING, "ben", after(2))
NEW_ID = replaced("new-ben", "ben-oura", EVERYTHING, "ben", after(2.01))


@pytest.mark.parametrize("facts", [(GRANTED, NEW_ID), (NEW_ID, GRANTED)], ids=["auth first", "user_reauth first"])
def test_a_full_grant_mends_the_same_connection_under_its_new_id(cast: Source, facts: tuple[Fact, ...]) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    tell(*facts)
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
    tell(replaced("new-ben", "ben-oura", WITHOUT_HEARTRATE, "ben", after(2)))
    assert outcome(link) == ("unchanged", "missing: heartrate")
    assert status_of(link, after(3)) is LinkStatus.LIVE
    press(link, "newest-ben", after(5))
    tell(replaced("newest-ben", "new-ben", EVERYTHING, "ben", after(6)))
    assert outcome(link) == ("fixed", "")
    with pytest.raises(LinkEnded):
        press(link, "too-late", after(7))


def test_a_part_of_what_was_missing_is_partly(cast: Source) -> None:
    take_in(consented("ben-oura", ("email", "personal", "tag", "daily"), "ben", NOW - timedelta(days=1)))
    link = send(the("ben")).link
    assert link.needs == ["heartrate", "workout"]
    press(link, "new-ben")
    tell(replaced("new-ben", "ben-oura", ("email", "personal", "tag", "daily", "workout"), "ben", after(2)))
    assert outcome(link) == ("partly", "missing: heartrate")


def test_a_connection_that_works_again_without_the_scope_is_partly(cast: Source) -> None:
    link = send(the("cy")).link
    press(link, "new-cy")
    tell(consented("new-cy", EVERYTHING, "cy", after(2)))
    assert outcome(link) == ("fixed", "")
    assert connection_of("cy").user_id == "new-cy"


def test_a_refused_mandatory_scope_fails_the_link_and_leaves_one_attempt(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    tell(refused("missing_scopes", "ben", after(2), session_id="flow-1"))
    attempt.refresh_from_db()
    assert outcome(link) == ("failed", "missing_scopes")
    assert (attempt.state, attempt.result) == ("failed", "missing_scopes")
    assert Attempt.objects.count() == 1, "the failure is not written down beside it"
    assert result_of(Attempt.objects.select_related("link").get()) is Result.MISSING_SCOPES
    assert status_of(link, after(3)) is LinkStatus.LIVE


def test_an_older_failure_that_is_told_later_changes_nothing(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    tell(refused("missing_scopes", "ben", after(2)))
    take_in(refused("access_denied", "ben", after(1)), now=after(3))
    assert outcome(link) == ("failed", "missing_scopes")


@pytest.mark.parametrize("together", [True, False])
def test_two_tries_that_failed_each_have_the_failure_of_one(cast: Source, together: bool) -> None:
    link = send(the("ben")).link
    for minutes in (0, 1):
        press(link, "", after(minutes))
    failures = refused("access_denied", "ben", after(2)), refused("missing_scopes", "ben", after(3))
    if together:
        take_in(*failures, now=after(3))
    else:
        tell(*failures)
    told = Attempt.objects.order_by("started_at").values_list("state", "result")
    assert list(told) == [("failed", "missing_scopes"), ("failed", "access_denied")]


def test_a_failure_beside_a_sight_that_tells_nothing_new_is_recorded(cast: Source) -> None:
    usual = seen("ada-oura", "ada", after(1))
    take_in(usual, now=after(1))
    take_in(replace(usual, happened_at=after(2)), refused("denied", "ada", after(2), user_id="ada-oura"), now=after(2))
    assert Attempt.objects.get().result == "denied"


def test_a_success_after_a_failure_counts(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "first")
    tell(refused("access_denied", "ben", after(1)))
    press(link, "second", after(2))
    tell(replaced("second", "ben-oura", EVERYTHING, "ben", after(3)))
    assert outcome(link) == ("fixed", "")


def test_a_late_failure_undoes_no_success(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    tell(NEW_ID, refused("access_denied", "ben", after(4), user_id="new-ben"))
    attempt.refresh_from_db()
    assert outcome(link) == ("fixed", "") and attempt.state == "succeeded"


def test_a_late_failure_of_the_same_try_takes_nothing_back(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    tell(
        replaced("new-ben", "ben-oura", WITHOUT_HEARTRATE, "ben", after(2)),
        refused("access_denied", "ben", after(3), user_id="new-ben"),
    )
    attempt.refresh_from_db()
    assert outcome(link)[0] == "unchanged" and attempt.state == "succeeded"


def test_a_later_try_that_fails_leaves_what_was_proved(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    tell(replaced("new-ben", "ben-oura", WITHOUT_HEARTRATE, "ben", after(2)))
    second = press(link, "newer-ben", after(5))
    tell(refused("missing_scopes", "ben", after(6)))
    second.refresh_from_db()
    assert outcome(link)[0] == "unchanged" and second.state == "failed"


def test_the_widget_is_known_by_its_session(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "")
    Attempt.objects.filter(pk=attempt.pk).update(session_id="session-1")
    tell(replace(consented("new-ben", EVERYTHING, "ben", after(60 * 5)), session_id="session-1"))
    attempt.refresh_from_db()
    assert (attempt.state, attempt.user_id) == ("succeeded", "new-ben")


def test_a_failure_that_no_link_awaited_is_an_attempt_of_its_own(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    tell(
        refused("access_denied", "finn", after(2)),
        refused("access_denied", "ben", after(2), provider="withings"),
        refused("access_denied", "ben", after(60 * 3)),
        refused("access_denied", "ben", NOW - timedelta(minutes=5)),
    )
    assert outcome(link) == ("", "")
    assert Attempt.objects.filter(link__isnull=True).count() == 4


def test_a_connection_beside_the_working_one_waits_and_is_then_another_account(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "another")
    tell(consented("another", EVERYTHING, "ben", after(2)))
    attempt.refresh_from_db()
    assert outcome(link) == ("", "") and attempt.state == "succeeded"
    assert settle_overdue(terra(), after(16)) == 0
    assert settle_overdue(terra(), after(18)) == 1
    assert outcome(link)[0] == "wrong_account"
    assert Connection.objects.filter(person=the("ben"), merged_into__isnull=True).count() == 2
    tell(replaced("another", "ben-oura", EVERYTHING, "ben", after(20)))
    assert outcome(link) == ("fixed", ""), "the source may still say that it is the same"


def test_an_ended_connection_goes_on_under_an_id_that_was_minted_for_its_link(cast: Source) -> None:
    cy = connection_of("cy")
    press(send(the("cy")).link, "minted")
    tell(consented("minted", EVERYTHING, "cy", after(2)))
    assert connection_of("cy").pk == cy.pk


def test_a_consent_that_no_link_of_ours_asked_for_is_only_inferred_to_mend_an_ended_connection(cast: Source) -> None:
    press(send(the("cy")).link, "minted")
    tell(consented("from-the-app", EVERYTHING, "cy", after(60 * 3)))
    assert connection_of("cy").user_id == "from-the-app"
    assert Merge.objects.get().why == Merge.Why.INFERRED


def test_a_second_connection_that_turns_out_to_be_the_first_settles_the_link_anew(cast: Source) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    press(link, "new-ben")
    tell(GRANTED)
    settle_overdue(terra(), after(20))
    assert outcome(link) == ("wrong_account", SECOND_CONNECTION)

    tell(LinkChanged("oura", "ben-oura", LinkState.GONE, after(60 * 20)))

    assert (connection_of("ben").pk, connection_of("ben").user_id) == (ben.pk, "new-ben")
    assert outcome(link) == ("fixed", "")


def test_a_reauth_that_does_not_name_the_old_id_is_known_by_the_minted_one(cast: Source) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    press(link, "new-ben")
    tell(GRANTED, replaced("new-ben", None, EVERYTHING, "ben", after(2.01)))
    assert connection_of("ben").pk == ben.pk and outcome(link) == ("fixed", "")


def test_a_first_connection_settles_a_link_that_had_none(cast: Source) -> None:
    link = send(the("eve"), "fitbit").link
    press(link, "eve-google")
    tell(consented("eve-google", ("anything",), "eve", after(2), provider="google_health"))
    assert outcome(link) == ("fixed", "")
    assert link.connection == connection_of("eve", "google_health")


def test_only_the_redirect_told_of_a_failure(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    landing.returned(attempt, "failure", {"reason": ["missing_scopes"], "user_id": ["new-ben"]}, after(1))
    attempt = Attempt.objects.select_related("link").get()
    assert result_of(attempt) is Result.MISSING_SCOPES, "the person is told at once"
    settle_overdue(terra(), after(15))
    assert outcome(link) == ("", ""), "a redirect is unsigned"
    settle_overdue(terra(), after(17))
    assert outcome(link) == ("failed", "missing_scopes (reported by the redirect only)")
    tell(refused("missing_scopes", "ben", after(1.1), user_id="new-ben"))
    assert outcome(link) == ("failed", "missing_scopes")


def test_the_nightly_listing_settles_what_no_webhook_told(cast: Source) -> None:
    cy = connection_of("cy")
    link = send(the("cy")).link
    press(link, "new-cy")
    tell(seen("new-cy", "cy", after(60 * 6)))
    assert outcome(link) == ("fixed", "")
    assert (connection_of("cy").pk, connection_of("cy").user_id) == (cy.pk, "new-cy")


def test_a_second_connection_is_joined_once_the_first_is_proved_gone(cast: Source) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    press(link, "new-ben")
    tell(GRANTED, LinkChanged("oura", "ben-oura", LinkState.GONE, after(60)), seen("new-ben", "ben", after(61)))
    assert (connection_of("ben").pk, connection_of("ben").user_id) == (ben.pk, "new-ben")
    assert outcome(link) == ("fixed", "")


def test_an_id_of_the_past_never_comes_back(cast: Source) -> None:
    link = send(the("cy")).link
    press(link, "second-cy")
    tell(
        consented("second-cy", EVERYTHING, "cy", after(2)),
        replaced("third-cy", "second-cy", EVERYTHING, "cy", after(60)),
        LinkChanged("oura", "third-cy", LinkState.REVOKED, after(70)),
        seen("second-cy", "cy", after(80)),
    )
    assert connection_of("cy").user_id == "third-cy"


def test_telling_it_again_changes_nothing(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    tell(GRANTED, NEW_ID, GRANTED, NEW_ID)
    assert outcome(link) == ("fixed", "")
    assert TrailEntry.objects.filter(verb="link.settled").count() == 1


def test_facts_that_no_link_awaits_cost_one_query(
    cast: Source, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    facts = [consented(f"user-{number}", EVERYTHING, f"nobody-{number}", NOW) for number in range(50)]
    with django_assert_num_queries(1):
        assert settle(cast, facts, NOW) == []


def test_what_is_overdue_is_found_by_an_index_however_many_tries_succeeded(cast: Source) -> None:
    link = send(the("ben")).link
    told = {"source": cast, "link": link, "state": "succeeded", "started_at": NOW - timedelta(days=9), "ended_at": NOW}
    Attempt.objects.bulk_create(Attempt(key=f"old-{number}", **told) for number in range(5000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scopes_attempt")
    plan = overdue(cast, NOW).explain()
    assert "attempt_succeeded" in plan and "Seq Scan on scopes_attempt" not in plan


def test_many_abandoned_tries_cost_no_more_statements_than_one(cast: Source) -> None:
    link = send(the("ben")).link

    def cost(number: int) -> int:
        Attempt.objects.bulk_create(
            Attempt(key=f"{number}-{nth}", source=cast, link=link, started_at=NOW - timedelta(hours=3))
            for nth in range(number)
        )
        with CaptureQueriesContext(connection) as asked:
            assert settle_overdue(cast, NOW) == number
        return len(asked)

    assert cost(1) == cost(30)
    assert set(Attempt.objects.values_list("state", flat=True)) == {"abandoned"}


def test_concluding_fifty_links_costs_no_more_statements_than_two(cast: Source) -> None:
    """Half of them by a redirect that reported a failure, half by a second connection that was made."""

    def links(number: int, begun: datetime) -> list[ReauthLink]:
        made = [
            ReauthLink(
                public_id=f"{begun:%H}-{nth}",
                secret_hash=b"",
                person=Person.objects.create(reference_id=f"{begun:%H}-{nth}", created_at=NOW),
                integration=connection_of("ben").integration,
                connection=connection_of("ben"),
                needs=["heartrate"],
                reason="She asked for it.",
                created_at=begun,
                expires_at=begun + timedelta(days=7),
            )
            for nth in range(number)
        ]
        return ReauthLink.objects.bulk_create(made)

    def cost(number: int, begun: datetime) -> int:
        both = links(number, begun)
        for nth, link in enumerate(both):
            common = {"source": cast, "link": link, "person": the("ben"), "reference_id": "ref-ben"}
            told = {"state": "succeeded", "ended_at": begun, "connection": connection_of("ada")}
            if nth % 2:
                told = {"returned": {"at": begun.isoformat(), "end": "failure", "parameters": {}}}
            Attempt.objects.create(key=f"{link.public_id}", started_at=begun, **common, **told)
        with CaptureQueriesContext(connection) as asked:
            assert settle_overdue(cast, begun + timedelta(minutes=20)) == number
        for link in both:
            link.refresh_from_db()
        assert {link.outcome for link in both} == {"failed", "wrong_account"}
        return len(asked)

    assert cost(2, NOW) == cost(50, NOW + timedelta(hours=5))
