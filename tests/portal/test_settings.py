"""The headers of every page, its login and its static files."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from pytest_django import Settings

from portal import environment


@pytest.mark.django_db
def test_the_admin_is_behind_a_login_and_a_strict_policy(client: Client) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain == [("/admin/login/?next=/admin/", 302)]
    policy = response["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert set(response.cookies) == {"portal_csrf"}


@pytest.mark.django_db
def test_who_signs_in_reaches_the_admin(client: Client) -> None:
    User.objects.create_superuser("vera", password="a long and private one")
    response = client.post("/admin/login/?next=/admin/", {"username": "vera", "password": "a long and private one"})
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db
def test_who_is_signed_in_stays_so_while_the_secret_key_is_rotated(client: Client, settings: Settings) -> None:
    client.force_login(User.objects.create_superuser("vera"))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the-next-key-" * 5
    assert client.get("/admin/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/admin/").status_code == 200  # under the new key by now


@pytest.mark.django_db
def test_who_is_signed_in_is_signed_out_where_the_earlier_key_is_gone_at_once(
    client: Client, settings: Settings
) -> None:
    client.force_login(User.objects.create_superuser("vera"))
    settings.SECRET_KEY = "the-next-key-" * 5
    assert client.get("/admin/").status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("option", "cursors"), [("", 1), ("?disable_server_side_cursors=True", 0)])
def test_behind_a_pooler_no_cursor_stays_in_a_session(
    option: str, cursors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://portal:secret@pooler.example.org:6432/portal{option}")
    off = bool(environment.database().get("DISABLE_SERVER_SIDE_CURSORS"))
    User.objects.bulk_create(User(username=f"agent-{number}") for number in range(5))

    with monkeypatch.context() as pooled:
        pooled.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", off)
        rows = User.objects.order_by("pk").iterator(chunk_size=2)
        assert next(rows).username == "agent-0"
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors")
            assert cursor.fetchone() == (cursors,)
        assert len(list(rows)) == 4


def test_every_static_file_that_another_names_exists(tmp_path: Path) -> None:
    storage = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    with override_settings(STORAGES=storage, STATIC_ROOT=tmp_path):
        call_command("collectstatic", interactive=False, verbosity=0)
    assert (tmp_path / "staticfiles.json").exists()
