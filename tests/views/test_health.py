"""Liveness is answered without the database; readiness, with it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings


def test_a_process_lives_without_its_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"alive\n")
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_it_is_ready_when_the_database_has_every_migration(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"ready\n")
    MigrationRecorder(connection).record_unapplied("scopes", "0002_immutable_records")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"migrations are missing\n")


@pytest.mark.django_db(transaction=True)
def test_it_is_not_ready_without_its_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    with monkeypatch.context() as broken:
        broken.setitem(connection.settings_dict, "HOST", "/nowhere")
        answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"the database does not answer\n")


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "[fd00::7]", "portal.internal", "a b"])
def test_a_probe_asks_over_plain_http_and_by_any_name(host: str, client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["portal.example.org"], True

    for address in ("/healthz", "/readyz"):
        assert client.get(address, headers={"host": host}).status_code == 200
    for address in ("/admin/login/", "/healthz/", "/healthz/../admin/login/", "/hooks/terra/production/", "/r/a/b"):
        assert client.get(address, headers={"host": host}).status_code in (301, 400)
        assert client.get(address, headers={"host": host}, secure=True).status_code in (400, 404, 405)


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_it_accepts_get_and_head_only(address: str, client: Client) -> None:
    assert client.post(address).status_code == 405
