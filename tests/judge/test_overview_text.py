"""A person's overview as text and as JSON says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scopes.facts import AttemptFailed
from scopes.judge.overview_text import as_data, as_text
from scopes.judge.person import overview_of, overview_of_unclaimed
from tests import cast as people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


KEYS = Path(__file__).parents[1] / "fixtures" / "outputs" / "person.keys.json"


def shown(name: str) -> Any:
    """The JSON of one of the cast."""
    return json.loads(json.dumps(as_data(overview_of(people.the(name)))))


def keys_of(value: Any) -> Any:
    """The shape of JSON: keys, and for a list the shape of its first entry."""
    if isinstance(value, dict):
        return {key: keys_of(part) for key, part in value.items()}
    if isinstance(value, list):
        return [keys_of(value[0])] if value and isinstance(value[0], dict) else []
    return None


def test_an_attempt_that_never_became_a_connection_is_all_that_there_is() -> None:
    people.take_in(AttemptFailed(people.NOW, "missing_scopes", "oura", "ref-hal"))

    assert as_text(overview_of_unclaimed([], "ref-hal")).splitlines()[1:] == [
        "  No connection.",
        "",
        "Attempts",
        "  2026-11-20 06:00 UTC  Oura  failed: missing_scopes",
    ]


def test_the_json_has_always_the_same_keys() -> None:
    people.take_in(AttemptFailed(people.NOW, "missing_scopes", "oura", "ref-ben"))
    ben = shown("ben")

    assert keys_of(ben) == json.loads(KEYS.read_text("utf-8"))
    for name in ("ada", "cy"):
        assert keys_of(shown(name)) == {**keys_of(ben), "attempts": []}


def test_the_json_says_what_the_text_says() -> None:
    (oura,) = shown("ben")["connections"]

    assert (oura["health"], oura["reauth_helps"], oura["since"]) == ("blocked", "yes", "2026-03-01T12:00:00+00:00")
    assert oura["features"] == {
        "working": ["Sleep score", "Training log"],
        "failing": ["Recovery"],
        "uncertain": [],
    }
    assert [(line["scopes"], line["reason"], line["remedy"]) for line in oura["scopes"] if line["held"] is False] == [
        (["heartrate"], "declined", "reauthenticate")
    ]
    assert oura["sentences"][-1] == "A new link will help. “Heart rate” must stay ticked."
