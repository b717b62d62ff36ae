"""What an audit counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.audit import report
from scopes.facts import ConnectionSeen, ScopesChanged
from scopes.models import Connection
from tests import cast as people
from tests.audit.nightly import run


@pytest.mark.usefixtures("cast")
def test_the_counts_are_those_of_a_count_by_hand() -> None:
    counts = run().counts

    oura = counts["sources"]["terra:prod"]["integrations"]["oura"]
    assert oura["health"] == {"ok": 2, "blocked": 1, "broken": 1}
    assert oura["missing"] == {"heartrate=declined": 1}
    assert oura["link"] == {"revoked": 1}
    assert counts["sources"]["terra:prod"]["integrations"]["fitbit"]["link"] == {"provider_retired": 1}
    assert (counts["connections"], counts["people"], counts["unclaimed"]) == (7, 6, 0)
    assert counts["standings"] == Connection.objects.values("standing").distinct().count()


@pytest.mark.usefixtures("cast")
def test_staging_never_counts_as_production() -> None:
    before = {finding["code"]: finding["number"] for finding in run().findings}
    staging = people.terra("terra:staging")
    people.take_in(people.consent("ben", "oura", ("email",)), source=staging)

    after = {finding["code"]: finding["number"] for finding in run(days=1).findings}

    assert (before["broken"], after["broken"]) == (2, 2)
    assert before["blocked"] == after["blocked"] == 1


@pytest.mark.django_db
def test_an_unknown_scope_is_kept_counted_and_reported() -> None:
    people.take_in(ConnectionSeen("oura", "u", people.NOW, scopes=("daily", "dreams")))
    people.take_in(ScopesChanged("oura", "u", people.NOW + timedelta(1), added=("moods",), scopes=("dreams", "moods")))

    night = run()

    assert night.counts["unknown_scopes"] == {"oura": 2}
    assert "unknown_scope: 2 scopes are not in the catalogue (oura)" in report.as_text(night)
