"""The page of events names each type, with an example that can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path

from scopes.outbox import event_types

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text("utf-8")


def test_the_page_names_every_type_and_no_other() -> None:
    named = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", PAGE, re.MULTILINE)
    assert named == [*event_types.TYPES, event_types.TEST]


def test_each_example_is_json_of_the_type_above_it() -> None:
    shown = re.findall(r"^### ([a-z.]+)\n\n```json\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    examples = {name: json.loads(text) for name, text in shown}

    assert {name: example["type"] for name, example in examples.items()} == {name: name for name in examples}
    like = {event_types.FIXED: event_types.BROKEN, event_types.GRANTED: event_types.MISSING}
    assert {*examples} == {like.get(name, name) for name in event_types.TYPES}
    assert all({*example} == {"type", "timestamp", "data"} for example in examples.values())
