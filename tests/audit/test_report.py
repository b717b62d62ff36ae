"""The report is read by people and by machines, and its findings by schedulers."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from scopes import nightly
from scopes.audit import report
from scopes.audit.report import CODES, OF_ONE, Finding, findings
from scopes.models import AuditRun
from tests import cast as people

GOLDEN = Path(__file__).parents[1] / "fixtures" / "outputs" / "audit.txt"


def night(days: int = 0) -> AuditRun:
    seconds = count()
    return nightly.run(
        [],
        offline=True,
        clock=lambda: people.NOW + timedelta(days=days, seconds=next(seconds)),
        on_page=lambda _users: None,
    )


@pytest.mark.usefixtures("cast")
def test_the_report_of_the_cast_reads_as_it_should() -> None:
    night()
    people.take_in(people.consent("gus", "oura", ("email",)))
    second = night(days=1)
    second.finished_at = second.started_at + timedelta(seconds=4)

    assert report.as_text(second).replace(f"Audit {second.pk} ", "Audit 2 ") + "\n" == GOLDEN.read_text("utf-8")


@pytest.mark.usefixtures("cast")
def test_the_json_report_has_all_keys() -> None:
    data = json.loads(json.dumps(report.as_data(night())))

    assert set(data) == {
        "run", "state", "started_at", "finished_at", "offline", "resumed", "counts", "changes", "findings", "error",
        "exit_code", "steps",
    }  # fmt: skip
    assert {tuple(step) for step in data["steps"]} == {("step", "seconds")}
    assert (data["state"], data["offline"], data["changes"], data["error"]) == ("done", True, {}, "")
    assert data["started_at"] == "2026-11-20T06:00:00+00:00"
    assert set(data["counts"]) == {
        "connections", "people", "unclaimed", "waivers", "standings", "standings_per_million", "unknown_scopes",
        "suspicions", "previously_erased", "failed_jobs", "given_up_deliveries", "refused_accounts", "setups",
        "sources", "listings", "webhooks", "tokens",
    }  # fmt: skip
    assert data["counts"]["sources"]["terra:prod"]["integrations"]["oura"] == {
        "connections": 4,
        "health": {"ok": 2, "blocked": 1, "broken": 1},
        "waived": 0,
        "helps": {"not_needed": 2, "yes": 2},
        "missing": {"heartrate=declined": 1},
        "link": {"revoked": 1},
    }
    assert data["findings"][0] == {
        "code": "blocked",
        "number": 1,
        "detail": "",
        "text": "blocked: 1 connection is blocked",
    }


@pytest.mark.usefixtures("cast")
def test_an_environment_that_was_not_listed_says_why_in_the_report() -> None:
    run = night()
    run.state, run.error = AuditRun.State.FAILED, "eu could not be listed: the API key is rejected"
    run.counts["listings"] = {"eu": {"error": "the API key is rejected"}}

    lines = report.as_text(run).splitlines()

    assert lines[0].startswith(f"Audit {run.pk} of 2026-11-20 06:00 UTC: failed, ")
    assert lines[1] == "  eu could not be listed: the API key is rejected"
    assert "  eu: not listed: the API key is rejected" in lines


def counted(**more: Any) -> dict[str, Any]:
    nothing = {"unknown_scopes": {}, "sources": {}, "suspicions": [], "previously_erased": 0, "failed_jobs": 0}
    return {"connections": 10, "standings": 5, "standings_per_million": 0, **nothing, **more}


def production(*, yes: bool = True, **health: int) -> dict[str, Any]:
    return {"production": yes, "health": health}


Found = list[tuple[str, int, str]]
NOTHING: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("counts", "changes", "proof", "listings", "expected"),
    [
        (counted(), NOTHING, NOTHING, NOTHING, []),
        (counted(sources={"a": production(ok=5, reduced=3, unknown=2)}), NOTHING, {"gaps": 0}, NOTHING, []),
        (
            counted(sources={"a": production(blocked=2, broken=1), "b": production(blocked=3)}),
            NOTHING,
            NOTHING,
            NOTHING,
            [("blocked", 5, ""), ("broken", 1, "")],
        ),
        (
            counted(sources={"live": production(blocked=2), "staging": production(yes=False, blocked=9)}),
            {"sources / staging / health / blocked": 9},
            NOTHING,
            NOTHING,
            [("blocked", 2, "")],
        ),
        (
            counted(sources={"staging": production(yes=False, broken=9)}),
            NOTHING,
            NOTHING,
            NOTHING,
            [("broken", 9, "")],
        ),
        (
            counted(sources={"a": production(blocked=2, broken=2)}),
            {"sources / a / health / blocked": 2, "sources / a / health / broken": -3},
            NOTHING,
            NOTHING,
            [("blocked", 2, ""), ("broken", 2, ""), ("newly_blocked", 2, "")],
        ),
        (
            counted(sources={"a": production(broken=4)}),
            {"sources / a / health / broken": 4},
            NOTHING,
            NOTHING,
            [("broken", 4, ""), ("newly_broken", 4, "")],
        ),
        (
            counted(),
            NOTHING,
            NOTHING,
            {"eu": {"unconfirmed": 1, "quarantined": 0, "unreadable": 2}, "us": {"unconfirmed": 4, "quarantined": 70}},
            [("unconfirmed", 5, ""), ("quarantined", 70, ""), ("unreadable", 2, "")],
        ),
        (
            counted(unknown_scopes={"oura": 2, "polar": 1}),
            NOTHING,
            NOTHING,
            NOTHING,
            [("unknown_scope", 3, "oura, polar")],
        ),
        (
            counted(suspicions=["oura heartrate", "oura spo2"], previously_erased=1, failed_jobs=3),
            NOTHING,
            NOTHING,
            NOTHING,
            [("suspicion", 2, "oura heartrate, oura spo2"), ("previously_erased", 1, ""), ("failed_jobs", 3, "")],
        ),
        (counted(), NOTHING, NOTHING, {"eu": {"error": "it is down"}}, [("listing_failed", 1, "eu: it is down")]),
        (counted(), NOTHING, {"gaps": 2, "overlaps": 0}, NOTHING, [("inconsistent", 2, "gaps: 2")]),
        (counted(standings_per_million=500_000), NOTHING, NOTHING, NOTHING, []),
        (
            counted(connections=200_000, standings=100_000, standings_per_million=500_000),
            NOTHING,
            NOTHING,
            NOTHING,
            [("many_standings", 100_000, "")],
        ),
    ],
)
def test_what_is_found(
    counts: dict[str, Any], changes: dict[str, int], proof: dict[str, int], listings: dict[str, Any], expected: Found
) -> None:
    found = findings(counts, changes, proof, listings)

    assert [(finding.code, finding.number, finding.detail) for finding in found] == expected


def test_a_finding_is_a_sentence_for_one_and_for_many() -> None:
    assert str(Finding("broken", 1)) == "broken: 1 connection is broken"
    assert str(Finding("unknown_scope", 2500, "oura")) == (
        "unknown_scope: 2,500 scopes are not in the catalogue (oura)"
    )
    assert OF_ONE.keys() < CODES.keys()
