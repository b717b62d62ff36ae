"""What a person is told of an attempt follows from what facts say of it, and of the redirect only a failure."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.models import Attempt, ReauthLink, Source
from scopes.reauth import landing
from scopes.reauth.overdue import settle_overdue
from scopes.reauth.result import AttemptResult, result_of
from tests.cast import terra, the
from tests.reauth.hands import EVERYTHING, WITHOUT_HEARTRATE, after, consented, outcome, press, replaced, report, send

pytestmark = pytest.mark.django_db

NEW_ID = replaced("new-ben", "ben-oura", EVERYTHING, "ben", after(2.01))


def test_the_outcome_of_the_first_attempt_is_not_shown_for_the_second_before_its_id_is_known_for_the_same(
    cast: Source,
) -> None:
    link = send(the("ben")).link
    press(link, "new-ben")
    report(replaced("new-ben", "ben-oura", WITHOUT_HEARTRATE, "ben", after(2)))
    second = press(link, "newest-ben", after(5))

    report(consented("newest-ben", EVERYTHING, "ben", after(6)))
    second = Attempt.objects.select_related("link").get(pk=second.pk)
    assert (outcome(link)[0], result_of(second)) == ("unchanged", AttemptResult.WAITING)

    report(replaced("newest-ben", "new-ben", EVERYTHING, "ben", after(6)))
    second = Attempt.objects.select_related("link").get(pk=second.pk)
    assert (outcome(link)[0], result_of(second)) == ("fixed", AttemptResult.FIXED)


def test_a_redirect_that_claims_success_proves_nothing(cast: Source) -> None:
    link = send(the("ben")).link
    attempt = press(link, "new-ben")
    landing.returned(attempt, "success", {"user_id": ["new-ben"]}, after(1))
    assert result_of(Attempt.objects.select_related("link").get()) is AttemptResult.WAITING
    settle_overdue(terra(), after(60 * 3))
    attempt.refresh_from_db()
    assert attempt.state == "abandoned" and outcome(link) == ("", "")
    report(NEW_ID)
    assert outcome(link) == ("fixed", "")


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({"state": "open"}, AttemptResult.WAITING),
        ({"state": "open", "returned": {"end": "failure"}}, AttemptResult.FAILED),
        ({"state": "open", "returned": {"parameters": {"reason": ["auth_cancelled"]}}}, AttemptResult.NOT_ALLOWED),
        ({"state": "failed", "result": "missing_scopes"}, AttemptResult.MISSING_SCOPES),
        ({"state": "failed", "result": "access_denied"}, AttemptResult.NOT_ALLOWED),
        ({"state": "failed", "result": "not_minted"}, AttemptResult.FAILED),
        ({"state": "succeeded"}, AttemptResult.WAITING),
        ({"state": "succeeded", "link": ReauthLink(outcome="partly")}, AttemptResult.PARTLY),
        ({"state": "succeeded", "link": ReauthLink(outcome="wrong_account")}, AttemptResult.WRONG_ACCOUNT),
        ({"state": "failed", "result": "access_denied", "link": ReauthLink(outcome="fixed")}, AttemptResult.FIXED),
    ],
)
def test_the_result_is_of_the_facts_before_it_is_of_the_redirect(fields: dict[str, Any], result: AttemptResult) -> None:
    assert result_of(Attempt(**fields)) is result
