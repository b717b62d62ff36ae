"""A pattern with a verdict: when it is tried, what a match yields, and what proves nothing."""

from __future__ import annotations

from scopes.catalogue import default
from scopes.diagnose import ErrorReport, ErrorVerdict
from scopes.diagnose.diagnosis import read_error
from scopes.diagnose.recogniser import CODE, MOST_MATCHES, NAMED, Clue, Recogniser, by_pattern


def found(recogniser: Recogniser, text: str, status: int | None = None, provider: str = "") -> list[Clue]:
    return list(recogniser(read_error(ErrorReport(text, status, {}, provider), default())))


def lacking(**more: object) -> Recogniser:
    return by_pattern(
        "lacks",
        ErrorVerdict.MISSING_SCOPE,
        NAMED,
        r"lacks (?P<scopes>.*)",
        "lacks",
        **more,  # type: ignore[arg-type]
    )


def test_a_match_names_its_scopes_and_where_it_stands() -> None:
    (clue,) = found(lacking(), "The token lacks read:sleep")
    assert (clue.verdict, clue.recogniser, clue.scopes) == (ErrorVerdict.MISSING_SCOPE, "lacks", ("read:sleep",))
    assert "The token lacks read:sleep"[clue.start : clue.end] == "lacks read:sleep"


def test_a_sentence_that_should_name_scopes_and_names_none_proves_nothing() -> None:
    assert found(lacking(), "The token lacks everything that it should have") == []


def test_one_of_several_is_enough_where_the_text_offers_a_choice() -> None:
    assert [clue.any_of for clue in found(lacking(), "It lacks read:a or read:b")] == [True]
    assert [clue.any_of for clue in found(lacking(), "It lacks read:a, read:b")] == [False]


def test_it_is_tried_only_for_its_provider_and_its_statuses() -> None:
    code = by_pattern("code", ErrorVerdict.SCOPE_REFUSED, CODE, "x17", "x17", only_for="oura", statuses=(403,))
    assert len(found(code, "x17", 403, "oura")) == 1
    assert found(code, "x17", 403, "strava") == found(code, "x17", 400, "oura") == found(code, "y", 403, "oura") == []


def test_a_text_that_matches_without_end_is_left_after_some_matches() -> None:
    code = by_pattern("code", ErrorVerdict.SCOPE_REFUSED, CODE, "x17", "x17")
    assert len(found(code, "x17 " * 500)) == MOST_MATCHES
