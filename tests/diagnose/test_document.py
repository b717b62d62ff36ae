"""docs/diagnose.md, tried against the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from scopes.catalogue import default
from scopes.diagnose import ErrorVerdict, render_text
from scopes.diagnose.diagnosis import read_error
from scopes.diagnose.error_report import ErrorReport
from scopes.diagnose.error_text import HEAD, TAIL
from scopes.diagnose.recogniser import CERTAIN, Recogniser, by_pattern
from tests.diagnose.samples import said

PAGE = (Path(__file__).parents[2] / "docs" / "diagnose.md").read_text(encoding="utf-8")
FITBIT = "This application does not have permission to access sleep data. Visit https://dev.fitbit.com/docs/oauth2"


def test_the_answer_in_words_is_the_one_that_is_shown() -> None:
    shown = re.search(r"^missing_scope: .*?(?=^```)", PAGE, re.DOTALL | re.MULTILINE)
    assert shown
    written = render_text(said(FITBIT), default()).splitlines()
    assert set(shown[0].splitlines()) <= set(written)


def test_the_answer_for_a_machine_is_the_one_that_is_shown() -> None:
    asked, answered = re.findall(r'^\{"(?:status|verdict)".*$', PAGE, re.MULTILINE)
    assert said(asked).as_data() | {"evidence": ["…"]} == json.loads(answered)


def test_every_verdict_has_a_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(ErrorVerdict)


def test_the_length_that_is_read_is_documented() -> None:
    assert f"{HEAD + TAIL:,} characters" in PAGE


def test_the_recogniser_that_is_shown_works() -> None:
    entry = re.search(r"^by_pattern\(.*?^\)", PAGE, re.DOTALL | re.MULTILINE)
    assert entry
    recogniser = eval(entry[0], {"by_pattern": by_pattern, "ErrorVerdict": ErrorVerdict, "CERTAIN": CERTAIN})
    assert isinstance(recogniser, Recogniser)
    text = ErrorReport("Application does not have the good scope rights")
    assert [finding.verdict for finding in recogniser(read_error(text, default()))] == [ErrorVerdict.MISSING_SCOPE]
