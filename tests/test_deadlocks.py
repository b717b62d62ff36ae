"""Wherever records are written, a transaction that a deadlock ended is repeated whole: nothing is lost or doubled."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

import scopes
from scopes.admin import check_now
from scopes.judge import policy
from scopes.models import Attempt, LiveCheck, PolicyVersion, TrailEntry
from scopes.reauth import landing
from scopes.reauth.overdue import settle_overdue
from scopes.sources.errors import SourceUnavailable
from scopes.sync import live_check
from tests.cast import NOW, assemble, connection_of, integration_of, terra, the
from tests.reauth.hands import act, after, outcome, press, send
from tests.terra_sandbox import listed

# Those that wait for no lock, or for a single row's; and one that its caller repeats, with all its counts.
REPEATED_OTHERWISE = {
    "models/transactions.py": {"once"},
    "queue.py": {"defer_many", "try_again", "take_up_stalled", "_record_failure"},
    "intake/recording/recorder.py": {"_record"},
}


def test_every_transaction_is_one_that_is_repeated() -> None:
    root = Path(scopes.__file__).parent
    found: dict[str, set[str]] = {}
    for path in sorted(root.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and any(
                ast.unparse(part) in ("transaction.atomic", "atomic")
                for statement in function.body
                if not isinstance(statement, ast.FunctionDef)
                for part in ast.walk(statement)
                if isinstance(part, ast.Attribute | ast.Name)
            ):
                found.setdefault(path.relative_to(root).as_posix(), set()).add(function.name)
    assert found == REPEATED_OTHERWISE


@contextmanager
def a_deadlock_at(statement: str) -> Iterator[list[str]]:
    """PostgreSQL ends the first statement with these words as for a deadlock; yields which it was."""
    ended: list[str] = []

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if statement in sql and not ended:
            ended.append(sql)
            return run("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$", None, False, context)
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield ended
    assert ended, "no such statement was met"


@pytest.fixture(autouse=True)
def everybody(transactional_db: None) -> None:
    """The cast, really committed."""
    assemble()


def test_the_answer_to_a_live_check_is_stored_once() -> None:
    with listed(3) as sandbox:
        checks = live_check.new_checks([connection_of("ben")], "rex", NOW)
        with a_deadlock_at("INSERT INTO scopes_standing"):
            checked = live_check.answer(checks, sandbox.gateway, lambda: NOW)
    assert checked.answered == 1
    assert LiveCheck.objects.get().answer == LiveCheck.Answer.NOT_FOUND
    assert connection_of("ben").standing.link == "unconfirmed"


def test_a_live_check_without_a_repeat_is_answered() -> None:
    (check,) = live_check.new_checks([connection_of("ben")], "rex", NOW)
    check.save()
    with a_deadlock_at('UPDATE "scopes_livecheck"'):
        live_check.give_up([check], SourceUnavailable("It is down."), NOW)
    assert LiveCheck.objects.get().answer == LiveCheck.Answer.DOWN


def test_checks_that_an_agent_requests_are_stored_once_with_their_entry() -> None:
    with a_deadlock_at('INSERT INTO "scopes_trailentry"'):
        checks = check_now._keep([connection_of("ben")], act("She asks."), None, {})
    assert list(LiveCheck.objects.all()) == checks
    assert TrailEntry.objects.filter(verb="connection.checked").count() == 1


def test_a_press_and_a_return_are_recorded_once() -> None:
    link = send(the("ben")).link
    with a_deadlock_at('INSERT INTO "scopes_attempt"'):
        attempt = press(link, "new-ben")
    with a_deadlock_at('UPDATE "scopes_attempt"'):
        landing.returned(attempt, "failure", {}, after(1))
    with a_deadlock_at('UPDATE "scopes_reauthlink"'):
        landing.opened(link, after(1))
    assert (Attempt.objects.get().returned or {})["end"] == "failure"
    link.refresh_from_db()
    assert (link.returned_at, link.opened_at) == (after(1), after(1))


def test_a_link_is_concluded_once() -> None:
    link = send(the("ben")).link
    landing.returned(press(link, "new-ben"), "failure", {"reason": ["missing_scopes"]}, after(1))
    with a_deadlock_at('INSERT INTO "scopes_trailentry"'):
        assert settle_overdue(terra(), after(17)) == 1
    assert outcome(link) == ("failed", "missing_scopes (reported by the redirect only)")
    assert TrailEntry.objects.filter(verb="link.settled").count() == 1


@pytest.mark.parametrize("statement", ["INSERT INTO scopes_verdict", 'INSERT INTO "scopes_trailentry"'])
def test_a_policy_is_published_once(statement: str) -> None:
    draft = policy.draft(integration_of("oura"), {"requested": ["email"]}, author="Pat", now=NOW)
    with a_deadlock_at(statement):
        policy.publish(draft, now=NOW)
    assert integration_of("oura").policy_version == draft
    assert TrailEntry.objects.filter(verb="policy.published", subject=str(draft)).count() == 1


def test_what_a_file_of_policies_would_change_is_counted_and_nothing_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("- {source: terra:prod, provider: oura, requested: [email]}\n", encoding="utf-8")
    before = PolicyVersion.objects.count()
    with a_deadlock_at("INSERT INTO scopes_census"):
        call_command("publish_policies", str(file))
    assert capsys.readouterr().out.count("policy 3:") == 1
    assert PolicyVersion.objects.count() == before
