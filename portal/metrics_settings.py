"""Who may read the metrics, and where they are counted, from environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

SHORTEST_TOKEN = 32


def metrics_token() -> str:
    """What PORTAL_METRICS_TOKEN says: what whoever reads the metrics sends; empty where nobody may."""
    return os.environ.get("PORTAL_METRICS_TOKEN", "").strip()


def worker_metrics() -> tuple[str, int] | None:
    """What PORTAL_WORKER_METRICS says: the host and port at which a worker reports its metrics, if at all."""
    host, _, port = os.environ.get("PORTAL_WORKER_METRICS", "").strip().rpartition(":")
    return (host.strip("[]"), int(port)) if port else None


def wrong_metrics(variables: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the variables of metrics."""
    address = variables.get("PORTAL_WORKER_METRICS", "").strip()
    if address and not (re.fullmatch(r"([\w.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}", address) and _port(address) < 1 << 16):
        yield "PORTAL_WORKER_METRICS must be a host and a port, as 127.0.0.1:9101."
    directory = variables.get("PROMETHEUS_MULTIPROC_DIR")
    # An empty one counts, too: it would be wherever the program was started.
    if directory is not None and not (directory and Path(directory).is_dir() and os.access(directory, os.W_OK)):
        yield "PROMETHEUS_MULTIPROC_DIR must be a directory that this program may write to. Name one, or remove it."


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def unsafe_metrics(variables: Mapping[str, str]) -> Iterator[str]:
    """What production refuses: a token that can be guessed, and metrics of one process of several."""
    token = variables.get("PORTAL_METRICS_TOKEN", "").strip()
    if token and len(token) < SHORTEST_TOKEN:
        yield f"PORTAL_METRICS_TOKEN is short. Set it to at least {SHORTEST_TOKEN} random characters."
    if token and not variables.get("PROMETHEUS_MULTIPROC_DIR"):
        yield "PROMETHEUS_MULTIPROC_DIR is missing, and without it the metrics are those of one process of several."
