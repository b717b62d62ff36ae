"""What says that a service or an address is gone."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import service_ended
from tests.diagnose.recognisers.deciding import decides
from tests.diagnose.samples import said


@pytest.mark.parametrize(
    "text",
    [
        '{"status":410,"body":"","provider":"fitbit"}',
        '{"status":410,"body":"{\\"message\\":\\"Gone\\"}","provider":"FITBIT"}',
        "HTTPError: 410 Client Error: Gone for url: https://api.fitbit.com/1/user/-/profile.json",
        '{"body":"The Fitbit Web API has been shut down","provider":"fitbit"}',
    ],
)
def test_a_410_of_a_provider_that_has_ended_points_to_its_successor(text: str) -> None:
    diagnosis = said(text)
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "connect_successor")


def test_a_410_of_another_provider_says_only_that_something_is_gone() -> None:
    diagnosis = said('{"status":410,"body":"","provider":"oura"}')
    assert (diagnosis.verdict, diagnosis.remedy) == (ErrorVerdict.NOT_A_SCOPE_PROBLEM, "verify")
    assert any("an address" in caveat for caveat in diagnosis.unproven)


def test_a_scope_that_is_missing_by_its_code_is_found_though_the_status_is_410() -> None:
    assert said('{"status":410,"body":"Missing scope: read:sleep"}').scopes == ("read:sleep",)


@pytest.mark.parametrize("sample", ["K147", "K152", "K151"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(service_ended, sample)
