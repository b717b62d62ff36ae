"""The samples: `samples.json` and `second.json` from public threads, `more.json` and `kinds.json` beside them.

`kinds.json` holds texts of our own by kind of fault, in the wording of real APIs; half were held back from tuning.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from scopes.catalogue import default
from scopes.diagnose import Diagnosis, diagnose, read_report

FILES = Path(__file__).parents[1] / "fixtures" / "errors"
Sample = dict[str, Any]
FILES_OF_SAMPLES = ("samples.json", "second.json", "more.json", "kinds.json")


@cache
def samples(name: str) -> list[Sample]:
    found: list[Sample] = json.loads((FILES / name).read_text(encoding="utf-8"))
    return found


@cache
def families(name: str) -> dict[str, list[Sample]]:
    """The samples of a file by family, by kind, or else by what they are said to come from."""
    found: dict[str, list[Sample]] = {}
    for sample in samples(name):
        found.setdefault(sample.get("family") or sample.get("kind") or sample["provider"], []).append(sample)
    return found


def line(sample: Sample) -> str:
    """The sample as the line of JSON that would be piped in."""
    return json.dumps({key: sample[key] for key in ("status", "headers", "body", "provider")})


def said(text: str | bytes) -> Diagnosis:
    """The diagnosis of one line."""
    return diagnose(read_report(text), default())
