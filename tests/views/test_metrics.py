"""Metrics are for whoever has the token, in the format that Prometheus reads, from all processes of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from scopes.counters import count_webhook
from scopes.models import Source

TOKEN = "tHe-token-of-Prometheus-0123456789"
RIGHT = f"Bearer {TOKEN}"


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.PORTAL_METRICS_TOKEN = TOKEN


def read(**headers: str) -> dict[tuple[str, ...], float]:
    """(name, labels' values …) -> value, of every sample."""
    answer = Client().get("/metrics", headers={"authorization": RIGHT, **headers})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer naïve-\x80"],
)
def test_without_the_token_nothing_is_read_and_the_refusal_is_logged_without_it(
    authorization: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Client().get("/metrics", headers={"authorization": authorization} if authorization else {})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "no-store" in answer.headers["Cache-Control"]
    assert b"portal_" not in answer.content
    assert "metrics refused with 401" in caplog.text
    assert TOKEN[:-1] not in caplog.text


@pytest.mark.parametrize("authorization", ["", "Bearer ", RIGHT])
def test_where_no_token_is_set_there_is_no_such_page(authorization: str, settings: Settings) -> None:
    settings.PORTAL_METRICS_TOKEN = ""

    assert Client().get("/metrics", headers={"authorization": authorization}).status_code == 404


@pytest.mark.parametrize("address", ["/metrics/", "/metrics/../metrics", "/metrics%00", "/METRICS"])
def test_no_other_address_leads_to_it(address: str) -> None:
    answer = Client().get(address, headers={"authorization": RIGHT})

    assert answer.status_code in (400, 404) and b"portal_webhooks" not in answer.content


@pytest.mark.parametrize("method", ["post", "put", "delete", "options", "patch"])
def test_it_takes_get_and_head_only(method: str) -> None:
    assert getattr(Client(), method)("/metrics", headers={"authorization": RIGHT}).status_code == 405


@pytest.mark.django_db
def test_prometheus_reads_it_over_plain_http_and_by_any_name(cast: Source, settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["portal.example.org"], True
    count_webhook("terra:prod", 200)

    found = read(host="10.0.0.7:8000")

    assert found["portal_webhooks_total", "terra:prod", "200"] >= 1
    assert found["portal_gauges_read", "connections"] == 1
    assert not [name for name, *_ in found if name.endswith("_created")]


@pytest.mark.django_db
def test_what_several_processes_of_a_machine_counted_is_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    key = mmap_key("portal_webhooks", "portal_webhooks_total", ["source", "status"], ["terra:prod", "200"], "Webhooks.")
    for process, number in ((11, 3.0), (12, 4.0)):
        file = MmapedDict(str(tmp_path / f"counter_{process}.db"))
        file.write_value(key, number, 0.0)
        file.close()

    assert read()["portal_webhooks_total", "terra:prod", "200"] == 7


@pytest.mark.django_db(transaction=True)
def test_counts_are_reported_without_the_database(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    count_webhook("terra:prod", 503)
    connection.close()
    with monkeypatch.context() as broken:
        broken.setitem(connection.settings_dict, "HOST", "/nowhere")
        found = read()

    assert found["portal_webhooks_total", "terra:prod", "503"] >= 1
    assert found["portal_gauges_read", "deliveries"] == 0
    assert "the gauges of deliveries could not be read: OperationalError" in caplog.text
