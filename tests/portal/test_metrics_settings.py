"""Metrics are read by whoever has a long token, and are those of all processes; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.metrics_settings import metrics_token, unsafe_metrics, worker_metrics, wrong_metrics


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("", None),
        ("127.0.0.1:9101", ("127.0.0.1", 9101)),
        ("[::1]:9101", ("::1", 9101)),
        ("worker-1.internal:9101", ("worker-1.internal", 9101)),
    ],
)
def test_a_worker_s_address_is_a_host_and_a_port(
    value: str, address: tuple[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_WORKER_METRICS", value)

    assert worker_metrics() == address
    assert list(wrong_metrics({"PORTAL_WORKER_METRICS": value})) == []


@pytest.mark.parametrize(
    "value", ["9101", ":9101", "127.0.0.1:", "::1:9101", "127.0.0.1:66000", "http://127.0.0.1:9101"]
)
def test_anything_else_is_refused(value: str) -> None:
    assert list(wrong_metrics({"PORTAL_WORKER_METRICS": value})) == [
        "PORTAL_WORKER_METRICS must be a host and a port, as 127.0.0.1:9101."
    ]


def test_the_processes_count_together_in_a_directory_that_is_there(tmp_path: Path) -> None:
    for directory in (str(tmp_path / "missing"), ""):
        (wrong,) = wrong_metrics({"PROMETHEUS_MULTIPROC_DIR": directory})
        assert wrong.startswith("PROMETHEUS_MULTIPROC_DIR must be a directory")
    assert list(wrong_metrics({"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})) == []


def test_production_refuses_a_short_token_and_one_without_such_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    short, lonely = unsafe_metrics({"PORTAL_METRICS_TOKEN": "short"})

    assert short.startswith("PORTAL_METRICS_TOKEN is short") and lonely.startswith(
        "PROMETHEUS_MULTIPROC_DIR is missing"
    )
    assert list(unsafe_metrics({"PORTAL_METRICS_TOKEN": "t" * 32, "PROMETHEUS_MULTIPROC_DIR": "/run"})) == []
    assert list(unsafe_metrics({})) == []
    monkeypatch.setenv("PORTAL_METRICS_TOKEN", " token ")
    assert metrics_token() == "token"
