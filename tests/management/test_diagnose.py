"""The command answers what is piped in: text for text, and a line of JSON for each line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

Piped = Callable[..., str]

FITBIT = (
    '{"errors":[{"errorType":"insufficient_scope","message":"... does not have permission to access sleep data."}]}'
)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Piped:
    def run(given: bytes, *arguments: str) -> str:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        out = io.StringIO()
        call_command("diagnose", *arguments, stdout=out)
        return out.getvalue()

    return run


def test_a_pasted_text_of_many_lines_gets_one_answer_in_words(piped: Piped) -> None:
    answer = piped(b"HTTP/1.1 403 Forbidden\nContent-Type: application/json\n\n" + FITBIT.encode())
    assert answer.startswith("missing_scope: The token lacks a permission.\n")
    assert answer.count("missing_scope") == 1
    assert "Scopes: sleep" in answer


def test_every_line_gets_an_answer_in_order_as_json(piped: Piped) -> None:
    lines = [
        json.dumps({"status": 403, "headers": None, "body": FITBIT, "provider": "fitbit"}),
        "not json at all \xff",
        json.dumps({"body": "error=access_denied"}),
        '{"error":"invalid_scope"}',
    ]
    answers = [json.loads(line) for line in piped("\n".join(lines).encode("latin-1"), "--json").splitlines()]
    verdicts = [answer["verdict"] for answer in answers]
    assert verdicts == ["missing_scope", "unrecognised", "consent_refused", "scope_refused"]
    assert answers[0] | {"evidence": []} == {
        "verdict": "missing_scope",
        "scopes": ["sleep"],
        "alternatives": False,
        "provider": "fitbit",
        "remedy": "reauthenticate",
        "evidence": [],
    }


def test_lines_of_json_get_an_answer_each_in_words_too(piped: Piped) -> None:
    lines = [json.dumps({"body": "error=access_denied"}), json.dumps({"body": "token expired"})]
    first, second = piped("\n".join(lines).encode()).split("\n\n")
    assert first.startswith("consent_refused")
    assert second.startswith("token_invalid")


def test_nothing_at_all_is_a_mistake_of_use(piped: Piped) -> None:
    with pytest.raises(CommandError, match="Nothing came in") as refused:
        piped(b" \n")
    assert refused.value.returncode == 2
