"""Words of sentences are neither scope names nor secrets."""

from __future__ import annotations

import pytest

from scopes.diagnose.english_words import is_prose, is_sentence, parts


@pytest.mark.parametrize("text", ["token has expired", "invalid_token", "NOT_FOUND", "accessDenied", "try+again"])
def test_words_of_sentences_are_prose_however_they_are_joined(text: str) -> None:
    assert is_prose(text)


@pytest.mark.parametrize("text", ["read:sleep", "hunter22", "heartrate", "ya29.a0AfH6", "", "4711"])
def test_scope_names_secrets_and_nothing_are_none(text: str) -> None:
    assert not is_prose(text)


def test_a_sentence_has_several_words_and_two_of_sentences() -> None:
    assert is_sentence("the scope heartrate was declined")
    assert not is_sentence("heartrate spo2 workout") and not is_sentence("not found")


def test_words_are_found_within_names() -> None:
    assert parts("insufficient_scope") == ["insufficient", "scope"]
    assert parts("errorType") == ["error", "type"]
