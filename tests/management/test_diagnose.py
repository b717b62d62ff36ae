"""The command answers what is piped in: text for text, and a line of JSON for each line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from scopes.facts import ConsentGiven, IdReplaced
from scopes.models import Connection, Source
from tests import cast as people

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


def test_empty_input_is_a_usage_error(piped: Piped) -> None:
    with pytest.raises(CommandError, match="Nothing came in") as refused:
        piped(b" \n")
    assert refused.value.returncode == 2


WITHOUT = tuple(name for name in people.EVERYTHING if name not in ("heartrate", "spo2"))
APPROVED = [name for name in (*people.EVERYTHING, "stress") if name != "spo2"]


@pytest.mark.parametrize(
    ("scope", "expected", "remedy"),
    [
        ("heartrate", "Left unticked", "reauthenticate"),
        ("stress", "Never requested", "change_request"),
        ("spo2", "Not approved for our client", "change_console"),
    ],
)
def test_the_facts_of_a_connection_decide_between_declined_never_requested_and_not_approved(
    cast: Source, piped: Piped, scope: str, expected: str, remedy: str
) -> None:
    people.policy_for("oura", people.OURA_POLICY | {"approved": APPROVED})
    people.take_in(ConsentGiven("oura", "ben-oura", people.NOW, reference_id="ref-ben", scopes=WITHOUT))
    text = f'{{"error":"insufficient_scope","scope":"{scope}"}}'.encode()

    assert f"  {scope}: {expected}. " in piped(text, "--connection", "ben-oura")
    answer = json.loads(piped(text, "--connection", "ben-oura", "--json"))
    assert list(answer) == ["verdict", "scopes", "alternatives", "provider", "remedy", "evidence"]
    assert (answer["provider"], answer["remedy"]) == ("oura", remedy)
    assert answer["evidence"][-1].startswith(f"connection: {scope}: {expected}. ")


def test_a_connection_is_found_by_our_id_and_by_any_id_the_source_ever_gave_it(cast: Source, piped: Piped) -> None:
    people.take_in(IdReplaced("oura", "ben-new", "ben-oura", people.NOW, reference_id="ref-ben", scopes=WITHOUT))
    for known_as in ("ben-new", "ben-oura", str(people.connection_of("Ben").pk)):
        assert "heartrate: Left unticked." in piped(b"missing scope: heartrate", "--connection", known_as)


def test_the_need_for_a_scope_that_is_already_granted_is_questioned(cast: Source, piped: Piped) -> None:
    assert "show daily as granted" in piped(b"missing scope: daily", "--connection", "ben-oura")


def test_what_the_source_does_not_report_is_to_be_verified(cast: Source, piped: Piped) -> None:
    people.policy_for("withings", {"requested": ["user.metrics"]})
    assert "Check first" in piped(b"missing scope: user.metrics", "--connection", "finn-withings")


def test_facts_of_a_connection_to_another_provider_are_ignored(cast: Source, piped: Piped) -> None:
    text = b"https://www.strava.com/api/v3: missing scope: heartrate"
    answer = piped(text, "--connection", "ben-oura")
    assert "the text is about another provider" in answer
    assert "Left unticked" not in answer


@pytest.mark.parametrize("unknown", ["nobody", "999999999", "ref-ben", ""])
def test_an_unknown_connection_is_a_usage_error(cast: Source, piped: Piped, unknown: str) -> None:
    with pytest.raises(CommandError, match="No connection has that id") as refused:
        piped(b"missing scope: daily", "--connection", unknown)
    assert refused.value.returncode == 2


def test_an_id_of_two_connections_is_a_usage_error_that_names_both(cast: Source, piped: Piped) -> None:
    people.take_in(ConsentGiven("strava", "ben-oura", people.NOW, scopes=()))
    with pytest.raises(CommandError, match="More than one connection") as refused:
        piped(b"missing scope: daily", "--connection", "ben-oura")
    assert refused.value.returncode == 2
    assert all(f"{row.pk} (" in str(refused.value) for row in Connection.objects.filter(user_id="ben-oura"))
