"""An audit as rows to read: what changed by provider and reason, and what was counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scopes.admin.audit_report import report_of
from scopes.audit.compare import compare
from scopes.reasons import HEALTHS, Health


def counts(declined: int, revoked: int) -> dict[str, Any]:
    oura = {
        "connections": 100,
        "health": {"ok": 100 - declined - revoked, "blocked": declined, "broken": revoked},
        "helps": {"yes": declined},
        "missing": {"https://x.example/auth/heart/rate=declined": declined} if declined else {},
        "link": {"revoked": revoked} if revoked else {},
    }
    source = {
        "production": True,
        "connections": 100,
        "health": oura["health"],
        "waived": 3,
        "integrations": {"oura": oura},
    }
    return {"connections": 100, "people": 90 + declined, "sources": {"terra:prod": source}}


def test_changes_are_by_provider_and_reason_the_largest_first() -> None:
    before, after = counts(declined=2, revoked=9), counts(declined=30, revoked=0)
    report = report_of(after, compare(before, after))
    found = [(one.source, one.provider, one.about, one.code, one.now, one.change) for one in report.changes]
    assert found == [
        ("terra:prod", "oura", "health", "blocked", 30, 28),
        ("terra:prod", "oura", "missing", "https://x.example/auth/heart/rate=declined", 30, 28),
        ("terra:prod", "oura", "health", "ok", 70, -19),
        ("terra:prod", "oura", "health", "broken", 0, -9),
        ("terra:prod", "oura", "link", "revoked", 0, -9),
    ]
    assert [(one.words, one.now, one.change) for one in report.totals] == [("Connections", 100, 0), ("People", 120, 28)]


def test_each_source_has_its_providers_by_health_and_its_reasons_the_commonest_first() -> None:
    (source,) = report_of(counts(declined=2, revoked=9), {"sources / terra:prod / health / broken": 4}).sources
    every, oura = source.rows
    assert (every.provider, oura.provider, source.waived) == ("", "oura", 3)
    numbers = dict(zip(HEALTHS, every.numbers, strict=True))
    assert [(numbers[health].now, numbers[health].change) for health in (Health.BROKEN, Health.OK)] == [(9, 4), (89, 0)]
    assert [(about, code, number) for _, about, code, number in source.reasons] == [
        ("link", "revoked", 9),
        ("missing", "https://x.example/auth/heart/rate=declined", 2),
    ]


def test_what_came_of_each_listing_is_beside_its_last_webhook() -> None:
    report = report_of(
        {
            "listings": {"terra:prod": {"users": 7, "new": 1, "gone": 2}, "oauth2:google": {"error": "HTTP 502"}},
            "webhooks": {"terra:prod": {"last_at": "2026-11-26T23:59:00+00:00"}, "terra:staging": {"last_at": None}},
        },
        {},
    )
    google, prod, staging = report.listed
    assert (google.numbers, google.error, google.is_expected) == ((), "HTTP 502", False)
    assert (prod.numbers, prod.last_webhook) == ((7, 1, 0, 0, 0, 2), datetime(2026, 11, 26, 23, 59, tzinfo=UTC))
    assert (staging.numbers, staging.is_expected, staging.last_webhook) == ((), True, None)


@pytest.mark.parametrize("kept", [{}, {"connections": 8}, {"sources": {}}])
def test_a_run_that_counted_little_is_a_short_report(kept: dict[str, Any]) -> None:
    report = report_of(kept, {"sources / gone:source / integrations / oura / health / ok": -1})
    assert [one.now for one in report.changes] == [0] and report.sources == ()
