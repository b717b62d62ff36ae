"""What is shown again of a report holds no secret, and is read again to the same answer."""

from __future__ import annotations

import json

from scopes.catalogue import default
from scopes.diagnose import ErrorReport, diagnose, masked_copy, read_report
from tests.diagnose.samples import FILES_OF_SAMPLES, line, samples


def test_every_sample_is_read_again_to_the_same_answer() -> None:
    for sample in [sample for file in FILES_OF_SAMPLES for sample in samples(file)]:
        for report in (read_report(line(sample)), ErrorReport(sample["body"])):
            first, again = diagnose(report, default()), diagnose(read_report(masked_copy(report)), default())
            assert (again.verdict, again.scopes, again.provider) == (first.verdict, first.scopes, first.provider), (
                sample
            )


def test_no_header_and_no_provider_carries_a_secret_through() -> None:
    secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    headers = {
        "Authorization": f"Bearer {secret}",
        "X-Error": f"token={secret}",
        f"X-{secret}-reason": "ada@example.com",
    }
    shown = masked_copy(read_report(json.dumps({"body": secret, "headers": headers, "provider": secret})))
    assert secret not in shown and "ada@" not in shown and "[masked]" in shown
