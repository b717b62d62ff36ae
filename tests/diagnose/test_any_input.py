"""Whatever comes in: an answer, no scope that does not stand there, no secret in it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scopes.catalogue import default
from scopes.diagnose import Diagnosis, ErrorReport, ErrorVerdict, diagnose, render_text
from scopes.diagnose.error_text import readable
from scopes.reasons import REMEDIES
from tests.diagnose.samples import FILES_OF_SAMPLES, Sample, said, samples

TOKEN = "9b0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e"
SLOW = [HealthCheck.too_slow]  # of a busy machine
SECRETS = (TOKEN, "ya29.a0AfH6SMBx7Kq", "ada@example.com", "xoxb-99887766-Zy1Xw2Vu3T")

WRAPPINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "a JSON string": json.dumps,
    "a JSON string in a JSON string": lambda text: json.dumps({"message": json.dumps(text)}),
    "HTML": lambda text: f"<html><body><h1>Error</h1><pre>{html.escape(text)}</pre></body></html>",
    "a line of a log": lambda text: f"2026-11-03 09:12:33,891 ERROR [worker-3] sync failed: {text}",
    "a Python exception": lambda text: f"requests.exceptions.HTTPError: {text!r}",
    "bytes": lambda text: repr(text.encode()),
    "a redirect": lambda text: f"https://app.example/failed?state=1&error_description={quote(text)}",
}

every_sample = st.sampled_from([sample for file in FILES_OF_SAMPLES for sample in samples(file)])
wrappings = st.sampled_from(sorted(WRAPPINGS))


def everything_said(diagnosis: Diagnosis) -> str:
    return render_text(diagnosis, default()) + json.dumps(diagnosis.as_data(), ensure_ascii=False) + repr(diagnosis)


def report_of(sample: Sample, body: str) -> ErrorReport:
    return ErrorReport(body=body, status=sample["status"], headers=sample["headers"] or {}, provider=sample["provider"])


def source_of(sample: Sample) -> str:
    """The sample as it can be read, in small letters, with "heart rate" as "heartrate" too."""
    text = readable(sample["body"] + " " + " ".join((sample["headers"] or {}).values())).lower()
    return text + text.replace(" ", "")


@given(every_sample, wrappings)
@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
def test_a_wrapping_adds_no_scope(sample: Sample, wrapping: str) -> None:
    diagnosis = diagnose(report_of(sample, WRAPPINGS[wrapping](sample["body"])), default())
    assert {name.lower() for name in diagnosis.scopes} <= {name.lower() for name in sample["scopes_named"]}


@given(every_sample, wrappings, st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
def test_a_text_that_was_cut_names_nothing_that_is_not_there(
    sample: Sample, wrapping: str, data: st.DataObject
) -> None:
    text = WRAPPINGS[wrapping](sample["body"])
    start = data.draw(st.integers(0, len(text)))
    diagnosis = diagnose(report_of(sample, text[start : data.draw(st.integers(start, len(text)))]), default())
    assert all(name.lower() in source_of(sample) for name in diagnosis.scopes)


@given(every_sample, wrappings, st.sampled_from(SECRETS), st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
def test_a_secret_in_the_text_is_not_repeated(sample: Sample, wrapping: str, secret: str, data: st.DataObject) -> None:
    body = sample["body"]
    place = data.draw(st.integers(0, len(body)))
    diagnosis = diagnose(report_of(sample, WRAPPINGS[wrapping](f"{body[:place]} {secret} {body[place:]}")), default())
    assert secret.lower() not in everything_said(diagnosis).lower()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (json.dumps(json.dumps({"error": "invalid_token", "password": "hunter2"})), "hunter2"),
        ("error=invalid_token ada&#64;example.com", "example.com"),
        ("https://app.example/cb?error=invalid_token&login_hint=ada%2540example.com", "example.com"),
    ],
)
def test_a_secret_that_shows_only_when_it_is_unescaped_is_not_repeated(text: str, secret: str) -> None:
    assert "invalid_token" in everything_said(said(text))
    assert secret not in everything_said(said(text))


@given(st.one_of(st.binary(max_size=2000), st.text(max_size=2000), st.text("scope{}[]\"':=,\\ %&<>/_.", max_size=2000)))
@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
def test_anything_gets_an_answer(line: str | bytes) -> None:
    diagnosis = said(line)
    assert diagnosis.verdict in ErrorVerdict
    assert diagnosis.remedy in REMEDIES
    json.dumps(diagnosis.as_data()).encode()


@given(
    st.dictionaries(
        st.sampled_from(["status", "headers", "body", "provider"]),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=50)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    )
)
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
def test_a_report_with_values_of_any_type_gets_an_answer(data: dict[str, object]) -> None:
    assert said(json.dumps(data)).verdict in ErrorVerdict


def test_one_long_word_is_looked_through_as_fast_as_many() -> None:
    for beginning in ("missing _permission", "insufficient_scope", "invalid= scopes", "AADSTS", "required_scopes"):
        for letters in ("a", "a:", "a.", "a_", "a-", "A1"):
            assert said(f"{beginning} {letters * 6000}").verdict in ErrorVerdict
