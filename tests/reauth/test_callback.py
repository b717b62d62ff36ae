"""An attempt is claimed once to be finished in the callback, and is uncertain where that was cut off."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.models import Attempt, Source
from scopes.reauth import callback
from scopes.reauth.callback import FINISHED_WITHIN
from scopes.sources.errors import SourceError, SourceUnavailable
from tests.cast import terra, the
from tests.reauth.hands import NOW, press, send

pytestmark = pytest.mark.usefixtures("cast")

LATER = NOW + FINISHED_WITHIN + timedelta(seconds=1)


@pytest.fixture
def attempt(cast: Source) -> Attempt:
    return press(send(the("ben")).link, "new-ben")


def test_an_open_attempt_is_claimed_once(attempt: Attempt) -> None:
    assert [callback.claim(attempt, NOW), callback.claim(attempt, LATER)] == [True, False]
    attempt.refresh_from_db()
    assert attempt.claimed_at == NOW


def test_an_attempt_that_ended_is_not_claimed(attempt: Attempt) -> None:
    callback.failed(attempt, SourceError("refused"), NOW)

    assert not callback.claim(attempt, NOW)


@pytest.mark.parametrize(
    ("error", "result"), [(SourceError("refused"), "not_finished"), (SourceUnavailable("no answer"), "uncertain")]
)
def test_an_exchange_without_an_answer_is_uncertain_and_a_refused_one_is_not(
    attempt: Attempt, error: SourceError, result: str
) -> None:
    callback.failed(attempt, error, NOW)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.result, attempt.message) == ("failed", result, str(error))


def test_a_claimed_attempt_is_cut_off_after_a_minute_and_then_ended_once(attempt: Attempt) -> None:
    assert callback.end_cut_off(terra(), LATER) == 0, "it was never claimed"
    callback.claim(attempt, NOW)
    attempt.refresh_from_db()

    assert not callback.is_cut_off(attempt, NOW + FINISHED_WITHIN) and callback.is_cut_off(attempt, LATER)
    assert callback.end_cut_off(terra(), NOW + FINISHED_WITHIN) == 0
    assert [callback.end_cut_off(terra(), LATER), callback.end_cut_off(terra(), LATER)] == [1, 0]
    attempt.refresh_from_db()
    assert (attempt.state, attempt.result, callback.is_cut_off(attempt, LATER)) == ("failed", "uncertain", False)


def test_only_an_error_of_the_address_is_kept(attempt: Attempt) -> None:
    parameters = {"code": ["secret"], "state": [attempt.key], "error": ["access_denied"]}

    assert callback.without_secrets(parameters) == {"error": ["access_denied"]}


def test_the_return_of_an_attempt_says_for_whom_and_which_provider_it_is(attempt: Attempt) -> None:
    attempt = Attempt.objects.select_related("provider").get(pk=attempt.pk)
    returned = callback.returned_from(attempt, "https://host.example/r/callback", {"code": ["secret"]}, NOW)

    assert (returned.attempt, returned.user_id, returned.reference_id) == (attempt.key, "new-ben", "ref-ben")
    assert (returned.provider.slug, returned.parameters) == ("oura", {"code": ["secret"]})
