"""What `--fail-on` may say, and when it is met."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopes.audit.conditions import HEALTHS, NotACondition, parse
from scopes.audit.report import CODES


def row(connections: int, **health: int) -> dict[str, Any]:
    return {"connections": connections, "health": health}


COUNTS = {
    "sources": {
        "terra:production": {
            **row(1_000, ok=850, blocked=11, broken=60),
            "production": True,
            "integrations": {"oura": row(100, ok=40, broken=60), "garmin": row(900, ok=810, blocked=11)},
        },
        "oauth2:google": {
            **row(100, ok=100),
            "production": True,
            "integrations": {"oura": row(20, ok=20), "google_health": row(80, ok=80)},
        },
        "terra:testing": {
            **row(10, blocked=10),
            "production": False,
            "integrations": {"oura": row(10, blocked=10)},
        },
    }
}
CHANGES = {
    "sources / terra:production / health / broken": 50,
    "sources / terra:production / integrations / oura / health / broken": 52,
    "sources / terra:production / integrations / garmin / health / broken": -2,
    "sources / oauth2:google / health / broken": -3,
    "sources / oauth2:google / integrations / oura / health / broken": -3,
    "sources / terra:testing / health / blocked": 10,
}
# What a number minus the limit may be: 1 is more, 0 the same, -1 less.
MEANINGS = {">": {1}, ">=": {0, 1}, "<": {-1}, "<=": {-1, 0}}
FINDINGS = [{"code": "blocked", "number": 11}, {"code": "silent", "number": 2}]


@pytest.mark.parametrize(
    ("written", "met"),
    [
        ("blocked", True),
        ("unknown", False),
        ("silent", True),
        ("silent>1", True),
        ("silent>=3", False),
        ("failed-jobs", False),
        ("failed_jobs<1", True),
        ("blocked>1%", False),
        ("blocked>=1%", True),
        ("blocked@terra:production>1%", True),
        ("blocked@terra:production>1.1%", False),
        ("blocked@terra:testing>=100%", True),
        ("blocked@oura", False),
        ("broken@oura>=60", True),
        ("broken@oura>50%", False),
        ("broken@oura>=50%", True),
        ("newly_broken>=47", True),
        ("new-broken>47", False),
        ("new-broken@oura>=49", True),
        ("new-broken@oura>49", False),
        ("new_broken@garmin", False),
        ("new-blocked", False),
        ("new-blocked@terra:testing", True),
        ("ok<90%", True),
        ("ok@oauth2:google < 90 %", False),
        ("broken@fitbit<=0", True),
        ("ok@fitbit<90%", False),
    ],
)
def test_a_condition_is_met_or_not(written: str, met: bool) -> None:
    assert parse(written).is_met(COUNTS, CHANGES, FINDINGS) is met


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("monsters", "there is no number 'monsters'; there are blocked, broken, newly_blocked"),
        ("new-silent", "there is no number 'new-silent'"),
        ("", "'' names nothing"),
        ("@oura", "'@oura' names nothing"),
        ("blocked@", "'blocked@' names nothing"),
        ("blocked@a@b", "'blocked@a@b' names nothing"),
        ("blocked>", "'>' in 'blocked>' is no limit; write it as >50"),
        ("blocked=5", "'=5' in 'blocked=5' is no limit"),
        ("blocked>>5", "'>>5' in 'blocked>>5' is no limit"),
        ("blocked>-1", "'>-1' in 'blocked>-1' is no limit"),
        ("blocked>5%%", "'>5%%' in 'blocked>5%%' is no limit"),
        ("blocked%", "'%' in 'blocked%' is no limit"),
        ("blocked>101%", "'>101%' in 'blocked>101%' is more than all of them"),
        ("silent@oura", "silent is not counted by place: only blocked, broken"),
        ("silent>5%", "silent has no percentage: only blocked, broken"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_reason(written: str, words: str) -> None:
    with pytest.raises(NotACondition) as refused:
        parse(written)
    assert str(refused.value).startswith(words)


@given(
    name=st.sampled_from(sorted({*CODES, *HEALTHS})),
    place=st.sampled_from(["", "oura", "terra:production"]),
    comparison=st.sampled_from(sorted(MEANINGS)),
    amount=st.integers(0, 100),
    percent=st.booleans(),
    number=st.integers(0, 500),
)
def test_a_condition_means_what_it_says(
    name: str, place: str, comparison: str, amount: int, percent: bool, number: int
) -> None:
    if name not in HEALTHS:
        place, percent = "", False
    condition = parse(f"{name}{place and '@'}{place}{comparison}{amount}{'%' if percent else ''}")
    health = name.removeprefix("newly_")
    counted = {**row(500, **{health: number}), "production": True}
    counts = {"sources": {"terra:production": {**counted, "integrations": {"oura": row(500, **{health: number})}}}}
    at = ("sources / terra:production", "sources / terra:production / integrations / oura")
    changes = {f"{path} / health / {health}": number for path in at}

    measured = Fraction(number, 5) if percent else number
    expected = ((measured > amount) - (measured < amount)) in MEANINGS[comparison]
    assert condition.is_met(counts, changes, [{"code": name, "number": number}] if number else []) is expected


@given(st.text())
def test_any_other_text_is_read_or_refused(text: str) -> None:
    try:
        condition = parse(text)
    except NotACondition:
        return
    assert condition.written == text
