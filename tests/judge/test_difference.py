"""What one policy changes against another, as its readers are told."""

from __future__ import annotations

from typing import Any

import pytest

from scopes.judge.content import check, empty
from scopes.judge.difference import difference, requests_other
from tests.cast import OURA_POLICY

SLEEP, RECOVERY, TRAINING, COACHING = OURA_POLICY["requirements"]
BEFORE = check(OURA_POLICY)


def needing(*needs: dict[str, Any]) -> dict[str, Any]:
    return OURA_POLICY | {"requirements": list(needs)}


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (OURA_POLICY, []),
        (OURA_POLICY | {"requested": [*OURA_POLICY["requested"], "stress"]}, ["+ requested `stress`"]),
        (OURA_POLICY | {"requested": OURA_POLICY["requested"][1:]}, ["− requested `email`"]),
        (OURA_POLICY | {"approved": ["daily", "tag"]}, ["~ approved: now recorded, `daily`, `tag`"]),
        (needing(SLEEP, RECOVERY, TRAINING), ["− requirement coaching (`session`, required, plans pro)"]),
        (
            needing(SLEEP, RECOVERY, TRAINING, COACHING, {"feature": "sleep", "any_of": ["spo2", "tag"]}),
            ["+ requirement sleep (`spo2` or `tag`, required)"],
        ),
        (needing(RECOVERY, SLEEP, TRAINING, COACHING), ["~ requirements: their order"]),
        (
            needing(
                SLEEP,
                RECOVERY | {"any_of": ["heartrate", "daily"], "level": "recommended", "plans": ["pro", "free"]},
                TRAINING | {"title": {"en": "Training"}, "why": {"de": "für dein Tagebuch"}},
                COACHING | {"plans": []},
            ),
            [
                "~ requirement recovery: any of `heartrate` → `heartrate`, `daily`",
                "~ requirement recovery: required → recommended",
                "~ requirement recovery: all plans → plans free, pro",
                "~ requirement training: title (en) “Training log” → “Training”",
                "~ requirement training: why (de) “” → “für dein Tagebuch”",
                "~ requirement coaching: plans pro → all plans",
            ],
        ),
    ],
)
def test_each_change_is_described(after: dict[str, Any], changes: list[str]) -> None:
    assert [str(change) for change in difference(BEFORE, check(after))] == changes


def test_approved_scopes_are_compared_one_by_one_once_recorded() -> None:
    known = [check({"approved": scopes}) for scopes in (["a", "b"], ["b", "c"], None)]
    assert [str(change) for change in difference(known[0], known[1])] == ["+ approved `c`", "− approved `a`"]
    assert [str(change) for change in difference(known[1], known[2])] == [
        "~ approved: no longer recorded; it was `b`, `c`"
    ]


def test_a_change_of_the_catalogue_is_described_too() -> None:
    before = empty() | {"provider": {"scopes": []}, "retired": False}
    after = empty() | {"provider": {"scopes": [{"name": "new"}]}, "retired": True}
    assert [str(change) for change in difference(before, after)] == [
        "~ the provider is retired",
        "~ the catalogue entry of the provider's scopes",
    ]


def test_only_what_is_requested_makes_another_consent_screen() -> None:
    assert requests_other(None, BEFORE)
    assert not requests_other(BEFORE, check(needing(SLEEP)))
    assert requests_other(BEFORE, check(OURA_POLICY | {"requested": ["daily"]}))
