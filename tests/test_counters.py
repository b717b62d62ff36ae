"""What a process counts: webhooks by their answers, and calls to sources by theirs."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from scopes.counters import count_answer, count_webhook


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_webhooks_are_counted_by_source_and_answer() -> None:
    before = value("portal_webhooks_total", source="terra:counted", status="401")
    count_webhook("terra:counted", 401)
    count_webhook("terra:counted", 200)

    assert value("portal_webhooks_total", source="terra:counted", status="401") == before + 1


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, "2xx"), (302, "3xx"), (404, "4xx"), (429, "429"), (503, "5xx"), (None, "none")],
)
def test_answers_are_counted_by_what_they_mean_with_their_time(status: int | None, answer: str) -> None:
    labels = {"source": f"terra:{answer}", "answer": answer}
    count_answer(labels["source"], status, 0.3)

    assert value("portal_source_answer_seconds_count", **labels) == 1
    assert value("portal_source_answer_seconds_sum", **labels) == 0.3
    within = [value("portal_source_answer_seconds_bucket", le=le, **labels) for le in ("0.25", "0.5")]
    assert within == [0, 1]
