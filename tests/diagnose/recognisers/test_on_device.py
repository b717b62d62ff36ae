"""What the permission systems of phones say."""

from __future__ import annotations

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import on_device
from tests.diagnose.recognisers.deciding import decides
from tests.diagnose.samples import said


def test_a_fault_of_the_apps_build_is_not_laid_on_the_phone() -> None:
    for text in (
        'Error Domain=com.apple.healthkit Code=4 "Missing com.apple.developer.healthkit entitlement."',
        "permission android.permission.health.READ_STEPS is not declared in AndroidManifest.xml",
        "NSHealthShareUsageDescription must be set in the app's Info.plist",
    ):
        assert (said(text).verdict, said(text).remedy) == (ErrorVerdict.SCOPE_REFUSED, "change_request")


@pytest.mark.parametrize("sample", ["K125", "K124", "M358"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(on_device, sample)
