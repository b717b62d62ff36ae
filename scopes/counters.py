"""What nobody but this process knows: it counts, and `/metrics` reports it (see views.metrics).

Where PROMETHEUS_MULTIPROC_DIR is set, the processes that share that directory count in files there, and each of them
reports the counts of all.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram, disable_created_metrics

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TOO_MANY = 429

disable_created_metrics()  # else each count has a second line, with when it began
_webhooks = Counter("portal_webhooks", "Webhooks, by their source and how they were answered.", ["source", "status"])
_answers = Histogram(
    "portal_source_answer_seconds",
    "Calls to a source, by its answer and how long it took; none is no answer.",
    ["source", "answer"],
    buckets=SECONDS,
)


def count_webhook(source: str, status: int) -> None:
    """Count a webhook. `source` is the key of one that is set up, or a word of ours: whoever calls chooses no label."""
    _webhooks.labels(source, str(status)).inc()


def count_answer(source: str, status: int | None, seconds: float) -> None:
    """Count a call to a source that took so many seconds; `status` is None where there was no whole answer."""
    _answers.labels(source, _kind_of(status)).observe(seconds)


def _kind_of(status: int | None) -> str:
    if status is None:
        return "none"
    return str(status) if status == TOO_MANY else f"{status // 100}xx"
