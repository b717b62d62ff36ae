"""The alert rules can be read, and name metrics and labels that are reported; the page of metrics names all of them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.utils import timezone
from prometheus_client import REGISTRY, CollectorRegistry

from scopes.counters import count_answer, count_webhook
from scopes.models import AuditRun, Delivery, Endpoint, Source
from scopes.views.gauges import DatabaseGauges

ROOT = Path(__file__).resolve().parent.parent
GROUPS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text("utf-8"))["groups"]
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
# Prometheus's own: whether a target answers, and which it is.
UP, ADDED = "up", {"instance", "job"}
ENDINGS = ("_total", "_count", "_sum", "_bucket")


@pytest.fixture
def reported(cast: Source) -> dict[str, set[str]]:
    """Each sample that a portal with something of everything reports, and its labels."""
    now = timezone.now()
    AuditRun.objects.create(started_at=now, finished_at=now, state=AuditRun.State.DONE)
    Delivery.objects.create(
        source=cast, digest="0" * 32, kind="daily", signed_at=now, received_at=now - timedelta(hours=1)
    )
    Source.objects.update(listed_at=now)
    Endpoint.objects.create(name="app", url="https://example.org", created_at=now, created_by="lena")
    count_webhook("terra:prod", 200)
    count_answer("terra:prod", 200, 0.1)
    registry = CollectorRegistry()
    registry.register(DatabaseGauges())
    found: dict[str, set[str]] = {}
    for family in [*registry.collect(), *REGISTRY.collect()]:
        if family.name.startswith("portal_"):
            assert family.samples, family.name
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def selectors(expression: str) -> list[Any]:
    """What an expression selects. Raises ValueError where it is no PromQL."""
    found: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), pre_visit=visit)
    return found


@pytest.mark.django_db
def test_each_rule_is_promql_of_metrics_and_labels_that_are_reported(reported: dict[str, set[str]]) -> None:
    for name, rule in RULES.items():
        labels: set[str] = set()
        for selector in selectors(rule["expr"]):
            assert selector.name == UP or selector.name in reported, (name, selector.name)
            own = reported.get(selector.name, set()) | ADDED
            assert {matcher.name for matcher in selector.matchers.matchers} <= own, name
            labels |= own
        grouped = re.findall(r"(?:by|without|on) \(([\w, ]*)\)", rule["expr"])
        named = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        assert {label for labels in grouped for label in labels.split(", ") if label} | {*named} <= labels, name


def test_each_rule_has_a_name_of_its_own_and_says_how_bad_it_is_and_what_to_do() -> None:
    assert len(RULES) == sum(len(group["rules"]) for group in GROUPS) > 15
    for name, rule in RULES.items():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}, name
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "action"} and all(rule["annotations"].values())
        assert promql_parser.parse_duration(rule.get("for", "1m")) > timedelta(0)


def test_a_rule_that_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\w"):
        selectors("sum by (source (portal_links)")
    assert [one.name for one in selectors("max(a offset 1d) > 1 and rate(b[5m]) == 0")] == ["a", "b"]


@pytest.mark.django_db
def test_the_page_of_metrics_names_all_that_is_reported_and_nothing_else(reported: dict[str, set[str]]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("\n## Metrics\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(portal_\w+)`", page))

    families = {name for name in reported if not name.endswith(ENDINGS[1:])}
    families |= {name.removesuffix(ending) for name in reported for ending in ENDINGS[1:] if name.endswith(ending)}
    assert named == families
