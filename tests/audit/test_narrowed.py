"""The report about some providers only."""

from __future__ import annotations

import pytest

from scopes.audit.narrowed import to_providers
from scopes.audit.report import as_text
from scopes.facts import LinkChanged, LinkState
from tests import cast as people
from tests.audit.nightly import run


@pytest.mark.usefixtures("cast")
def test_a_report_of_one_provider_has_its_numbers_alone() -> None:
    run()
    people.take_in(LinkChanged("oura", "ada-oura", LinkState.REVOKED, people.NOW))
    people.take_in(people.consent("gus", "withings", people.EVERYTHING))
    whole = run(days=1)

    oura = to_providers(whole, ["oura"])

    source = oura.counts["sources"]["terra:prod"]
    assert source["integrations"] == {"oura": whole.counts["sources"]["terra:prod"]["integrations"]["oura"]}
    assert (source["connections"], source["health"]) == (4, {"ok": 1, "blocked": 1, "broken": 2})
    assert [(one["code"], one["number"]) for one in oura.findings][:3] == [
        ("blocked", 1), ("broken", 2), ("newly_broken", 1),
    ]  # fmt: skip
    assert "fitbit" not in as_text(oura) and "  terra:prod all: broken +1" in as_text(oura)
    assert not any("withings" in path for path in oura.changes)
    assert oura.changes["sources / terra:prod / health / ok"] == -1
    assert whole.counts["sources"]["terra:prod"]["connections"] == 8, "the run itself stays as it is"


@pytest.mark.usefixtures("cast")
def test_a_report_of_a_provider_without_connections_is_of_nothing() -> None:
    none = to_providers(run(), ["garmin"])

    assert none.counts["sources"] == {}
    assert {one["code"] for one in none.findings} & {"blocked", "broken"} == set()
