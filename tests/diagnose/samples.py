"""The samples: `samples.json` from public threads, `more.json` with the same keys and some held back from tuning."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from scopes.catalogue import default
from scopes.diagnose import Diagnosis, diagnose, read_report

FILES = Path(__file__).parents[1] / "fixtures" / "errors"
Sample = dict[str, Any]


@cache
def samples(name: str) -> list[Sample]:
    found: list[Sample] = json.loads((FILES / name).read_text(encoding="utf-8"))
    return found


def line(sample: Sample) -> str:
    """The sample as the line of JSON that would be piped in."""
    return json.dumps({key: sample[key] for key in ("status", "headers", "body", "provider")})


def said(text: str | bytes) -> Diagnosis:
    """The diagnosis of one line."""
    return diagnose(read_report(text), default())
