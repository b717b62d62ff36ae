"""What the source reports afterwards settles the attempt and the link, in whatever order it arrives."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from scopes.facts import LinkChanged, LinkState
from scopes.models import Attempt, Merge, Source, TrailEntry
from scopes.reauth.link_status import LinkStatus, status_of
from scopes.reauth.result import AttemptResult, result_of
from scopes.reauth.settle import settle
from tests.cast import connection_of, take_in, the
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
    report,
    seen,
    send,
)

pytestmark = pytest.mark.django_db

GRANTED = consented("new-ben", EVERYTHING, "ben", after(2))
NEW_ID = replaced("new-ben", "ben-oura", EVERYTHING, "ben", after(2.01))


def test_a_refused_mandatory_scope_fails_the_link_and_leaves_one_attempt(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    report(refused("missing_scopes", "ben", after(2), session_id="flow-1"))
    attempt.refresh_from_db()
    assert outcome(link) == ("failed", "missing_scopes")
    assert (attempt.state, attempt.result) == ("failed", "missing_scopes")
    assert Attempt.objects.count() == 1, "the failure is not recorded a second time"
    assert result_of(Attempt.objects.select_related("link").get()) is AttemptResult.MISSING_SCOPES
    assert status_of(link, after(3)) is LinkStatus.LIVE


def test_an_older_failure_that_is_reported_later_changes_nothing(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    report(refused("missing_scopes", "ben", after(2)))
    take_in(refused("access_denied", "ben", after(1)), now=after(3))
    assert outcome(link) == ("failed", "missing_scopes")


@pytest.mark.parametrize("together", [True, False])
def test_two_attempts_that_failed_have_one_failure_each(cast: Source, together: bool) -> None:
    link = send(the("ben")).link
    for minutes in (0, 1):
        press(link, "", after(minutes))
    failures = refused("access_denied", "ben", after(2)), refused("missing_scopes", "ben", after(3))
    if together:
        take_in(*failures, now=after(3))
    else:
        report(*failures)
    recorded = Attempt.objects.order_by("started_at").values_list("state", "result")
    assert list(recorded) == [("failed", "missing_scopes"), ("failed", "access_denied")]


def test_a_failure_in_a_batch_with_an_observation_that_changes_nothing_is_recorded(cast: Source) -> None:
    usual = seen("ada-oura", "ada", after(1))
    take_in(usual, now=after(1))
    take_in(replace(usual, happened_at=after(2)), refused("denied", "ada", after(2), user_id="ada-oura"), now=after(2))
    assert Attempt.objects.get().result == "denied"


def test_a_success_after_a_failure_counts(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "first")
    report(refused("access_denied", "ben", after(1)))
    press(link, "second", after(2))
    report(replaced("second", "ben-oura", EVERYTHING, "ben", after(3)))
    assert outcome(link) == ("fixed", "")


def test_a_late_failure_undoes_no_success(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    report(NEW_ID, refused("access_denied", "ben", after(4), user_id="new-ben"))
    attempt.refresh_from_db()
    assert outcome(link) == ("fixed", "") and attempt.state == "succeeded"


def test_a_late_failure_of_the_same_attempt_undoes_nothing(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    report(
        replaced("new-ben", "ben-oura", WITHOUT_HEARTRATE, "ben", after(2)),
        refused("access_denied", "ben", after(3), user_id="new-ben"),
    )
    attempt.refresh_from_db()
    assert outcome(link)[0] == "unchanged" and attempt.state == "succeeded"


def test_a_later_attempt_that_fails_undoes_nothing(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    report(replaced("new-ben", "ben-oura", WITHOUT_HEARTRATE, "ben", after(2)))
    second = press(link, "newer-ben", after(5))
    report(refused("missing_scopes", "ben", after(6)))
    second.refresh_from_db()
    assert outcome(link)[0] == "unchanged" and second.state == "failed"


def test_an_attempt_in_the_widget_is_found_by_its_session(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "")
    Attempt.objects.filter(pk=attempt.pk).update(session_id="session-1")
    report(replace(consented("new-ben", EVERYTHING, "ben", after(60 * 5)), session_id="session-1"))
    attempt.refresh_from_db()
    assert (attempt.state, attempt.user_id) == ("succeeded", "new-ben")


def test_a_failure_that_belongs_to_no_link_is_an_attempt_of_its_own(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    report(
        refused("access_denied", "finn", after(2)),
        refused("access_denied", "ben", after(2), provider="withings"),
        refused("access_denied", "ben", after(60 * 3)),
        refused("access_denied", "ben", NOW - timedelta(minutes=5)),
    )
    assert outcome(link) == ("", "")
    assert Attempt.objects.filter(link__isnull=True).count() == 4


def test_an_ended_connection_continues_under_an_id_that_was_minted_for_its_link(cast: Source) -> None:
    cy = connection_of("cy")
    press(send(the("cy")).link, "minted")
    report(consented("minted", EVERYTHING, "cy", after(2)))
    assert connection_of("cy").pk == cy.pk


def test_a_consent_without_a_link_of_ours_is_only_inferred_to_renew_an_ended_connection(cast: Source) -> None:
    press(send(the("cy")).link, "minted")
    report(consented("from-the-app", EVERYTHING, "cy", after(60 * 3)))
    assert connection_of("cy").user_id == "from-the-app"
    assert Merge.objects.get().why == Merge.Why.INFERRED


def test_a_reauth_that_does_not_name_the_old_id_is_known_by_the_minted_one(cast: Source) -> None:
    ben = connection_of("ben")
    link = send(the("ben")).link
    press(link, "new-ben")
    report(GRANTED, replaced("new-ben", None, EVERYTHING, "ben", after(2.01)))
    assert connection_of("ben").pk == ben.pk and outcome(link) == ("fixed", "")


def test_the_nightly_listing_settles_what_no_webhook_reported(cast: Source) -> None:
    cy = connection_of("cy")
    link = send(the("cy")).link
    press(link, "new-cy")
    report(seen("new-cy", "cy", after(60 * 6)))
    assert outcome(link) == ("fixed", "")
    assert (connection_of("cy").pk, connection_of("cy").user_id) == (cy.pk, "new-cy")


def test_a_past_id_is_never_used_again(cast: Source) -> None:
    link = send(the("cy")).link
    press(link, "second-cy")
    report(
        consented("second-cy", EVERYTHING, "cy", after(2)),
        replaced("third-cy", "second-cy", EVERYTHING, "cy", after(60)),
        LinkChanged("oura", "third-cy", LinkState.REVOKED, after(70)),
        seen("second-cy", "cy", after(80)),
    )
    assert connection_of("cy").user_id == "third-cy"


def test_the_same_facts_again_change_nothing(cast: Source) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    report(GRANTED, NEW_ID, GRANTED, NEW_ID)
    assert outcome(link) == ("fixed", "")
    assert TrailEntry.objects.filter(verb="link.settled").count() == 1


def test_facts_that_no_link_awaits_cost_one_query(
    cast: Source, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    facts = [consented(f"user-{number}", EVERYTHING, f"unknown-{number}", NOW) for number in range(50)]
    with django_assert_num_queries(1):
        assert settle(cast, facts, NOW) == []
