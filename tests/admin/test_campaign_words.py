"""Campaigns in the agents' words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scopes.admin import campaign_words as words
from scopes.models import Source
from scopes.reasons import REASONS
from scopes.reauth import preflight
from scopes.reauth.campaigns import audience, numbers
from tests import cast as people

pytestmark = pytest.mark.django_db


def codes(path: str) -> set[str]:
    """The code of each Obstacle that stands in the module as a word."""
    calls = [node for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    first = [call.args[0] for call in calls if ast.unparse(call.func) == "Obstacle"]
    return {node.value for node in first if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_obstacle_of_a_preflight_has_words() -> None:
    named = codes(preflight.__file__)
    assert {"dont_contact", "no_links"} <= named
    for code in named:
        assert code in words.OBSTACLES or code in REASONS, code
    assert words.obstacle_words("account_refused") == "The source refuses our account"
    assert words.OBSTACLES.keys() | REASONS.keys() >= audience.FIXED


def test_every_step_has_words() -> None:
    assert {*words.FUNNEL, *words.OTHERWISE} == set(numbers.STEPS)


def test_asked_too_often_and_not_to_be_contacted_come_first() -> None:
    groups = numbers.Groups({"waiting": 3, "left_out": 9}, {"not_needed": 5, "no_address": 1, "dont_contact": 3})
    assert [group.code for group in words.groups_of(groups)] == ["waiting", "dont_contact", "no_address", "not_needed"]


def test_the_rule_is_the_filters_in_words(cast: Source) -> None:
    oura = people.integration_of("oura")
    filters = {"integration": str(oura.pk), "health": "blocked", "reason": "declined", "scope": "heartrate"}
    assert words.rule_words(filters) == "Oura, Blocked, Left unticked, without heartrate"
    assert words.rule_words({}) == "All connections"
