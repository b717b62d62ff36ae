"""Policies from a file: what is understood, and that each refusal names the file and the entry."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scopes.catalogue import default
from scopes.judge.content import PolicyError
from scopes.judge.policy_file import Proposed, read

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "policies.yaml"
OURA = "source: terra:prod, provider: oura"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "policies.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(PolicyError) as refused:
        read(written(folder, text), default())
    return str(refused.value)


def test_a_policy_is_read_with_all_its_keys(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        - source: terra:prod
          provider: oura
          in_force_from: 2026-11-03
          note: Recovery needs the heart rate.
          requested: [heartrate, daily]
          approved: [daily]
          requirements:
            - {feature: sleep, any_of: [daily], plans: [pro], title: {en: Sleep}, why: {en: to show how you slept}}
            - {feature: recovery, any_of: [heartrate, daily], level: recommended}
        """,
    )

    assert read(path, default()) == [
        Proposed(
            source="terra:prod",
            provider="oura",
            content={
                "requested": ["daily", "heartrate"],
                "approved": ["daily"],
                "requirements": [
                    {
                        "feature": "sleep",
                        "any_of": ["daily"],
                        "level": "required",
                        "plans": ["pro"],
                        "title": {"en": "Sleep"},
                        "why": {"en": "to show how you slept"},
                    },
                    {
                        "feature": "recovery",
                        "any_of": ["heartrate", "daily"],
                        "level": "recommended",
                        "plans": [],
                        "title": {},
                        "why": {},
                    },
                ],
            },
            in_force_from=datetime(2026, 11, 3, tzinfo=UTC),
            note="Recovery needs the heart rate.",
        )
    ]


def test_missing_keys_mean_nothing_requested_and_nothing_needed(tmp_path: Path) -> None:
    (oura,) = read(written(tmp_path, f"- {{{OURA}, note: }}"), default())

    assert oura.content == {"requested": [], "approved": None, "requirements": []}
    assert (oura.in_force_from, oura.note) == (None, "")


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_what_is_nested_too_deeply_is_refused_with_the_file_s_name(tmp_path: Path, depth: int) -> None:
    assert refusal(tmp_path, "[" * depth).startswith("policies.yaml cannot be read: its brackets or lists are nested")


def test_the_example_in_the_documentation_fits_the_shipped_catalogue() -> None:
    assert [proposed.provider for proposed in read(EXAMPLE, default())] == [
        "oura",
        "garmin",
        "strava",
        "google_fit",
        "whoop",
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("oura", "expected an object with source and provider"),
        ("{provider: oura}", "name the source (KIND:NAME) and the provider (oura)"),
        ("{source: terra:prod, provider: aura}", "the catalogue knows no provider 'aura'"),
        ("{source: Terra Production, provider: oura}", "a source is written KIND:NAME"),
        (f"{{{OURA}, requested: [dreams]}}", "the catalogue knows no scope 'dreams' of oura"),
        (f"{{{OURA}, approved: [dreams]}}", "the catalogue knows no scope 'dreams' of oura"),
        (f"{{{OURA}, requirements: [{{feature: a, any_of: [dreams]}}]}}", "knows no scope 'dreams' of oura"),
        (f"{{{OURA}, requested: daily}}", "oura: requested: expected a list"),
        (f"{{{OURA}, requests: [daily]}}", "oura: unknown key 'requests'"),
        (f"{{{OURA}, retired: true}}", "oura: unknown key 'retired'"),
        (f"{{{OURA}, on: [daily]}}", "oura: unknown key True"),
        (f"{{{OURA}, 1: a, b: c}}", "oura: unknown key"),
        (f"{{{OURA}, requirements: [{{feature: a}}]}}", "oura: requirement 1: any_of needs at least one scope"),
        (f"{{{OURA}, requirements: [{{feature: a, any_of: [daily], level: nice}}]}}", "level is required or"),
        (f"{{{OURA}, requirements: [{{feature: a, any_of: [daily], 1: a, b: c}}]}}", "requirement 1: unknown key"),
        (f"{{{OURA}, in_force_from: soon}}", "in_force_from is a date or a time, such as 2026-11-03"),
        (f"{{{OURA}, note: [a]}}", "note is text"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_by_file_and_number(tmp_path: Path, entry: str, words: str) -> None:
    message = refusal(tmp_path, f"- {{source: terra:prod, provider: garmin}}\n- {entry}\n")

    assert message.startswith("policies.yaml, policy 2")
    assert words in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff\xfe", "cannot be read"),
        ("- [", "cannot be read"),
        (f"- {{{OURA}, in_force_from: 2026-13-45}}", "cannot be read: month must be in 1..12"),
        (f"- {OURA.replace(', ', chr(10) + '  ')}\n  note: a\n  note: b\n", "the key note stands here twice"),
        ("", "expected a list of policies"),
        ("source: terra:prod", "expected a list of policies"),
        (f"- {{{OURA}}}\n- {{{OURA}}}", "oura through terra:prod stands in it twice"),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_name(tmp_path: Path, text: str | bytes, words: str) -> None:
    message = refusal(tmp_path, text)

    assert message.startswith("policies.yaml")
    assert words in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.yaml cannot be read: .*No such file"):
        read(tmp_path / "nowhere.yaml", default())
