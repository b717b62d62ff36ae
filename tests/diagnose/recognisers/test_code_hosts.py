"""What the APIs of code hosts answer."""

from __future__ import annotations

import json

import pytest

from scopes.diagnose import ErrorVerdict
from scopes.diagnose.recognisers import code_hosts
from tests.diagnose.recognisers.deciding import decides
from tests.diagnose.samples import said


def test_a_github_404_with_scopes_that_the_token_lacks_is_a_missing_scope() -> None:
    headers = {"X-OAuth-Scopes": "repo", "X-Accepted-OAuth-Scopes": "admin:org, read:org"}
    lacking = said(json.dumps({"status": 404, "headers": headers, "body": "Not Found"}))
    assert (lacking.verdict, lacking.alternatives) == (ErrorVerdict.MISSING_SCOPE, True)
    assert lacking.scopes == ("admin:org", "read:org")
    held = said(json.dumps({"status": 404, "headers": headers | {"X-OAuth-Scopes": "read:org"}, "body": "Not Found"}))
    assert held.verdict is ErrorVerdict.UNRECOGNISED


@pytest.mark.parametrize("sample", ["M422", "M423", "M235"])
def test_these_samples_are_decided_here(sample: str) -> None:
    decides(code_hosts, sample)
