"""Production refuses unsafe settings: each refusal in a process of its own, as an operator meets it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from portal import embedded_postgres
from portal.environment import INSECURE_SECRET, second_factor, secret_key_fallbacks
from portal.environment_checks import RAW, _wrong_database, _wrong_second_factor
from tests.fresh_clone import cloned

SOUND = {
    "PORTAL_MODE": "production",
    "SECRET_KEY": "$3J9x-Tq0vWm2ZrL8pYc5NdHf7sGb1uEoAiXwQzRtUyPlKjH-and-a-bit-more",
    "DATABASE_URL": "postgresql://portal:secret@db.example.org:5432/portal",
    "ALLOWED_HOSTS": "portal.example.org",
    "DEBUG": "",
}


def check(**changes: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy` in a production that is sound except for the changes."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TERRA_")}
    environment = inherited | SOUND | changes
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING"]
    return subprocess.run(
        command, cwd=embedded_postgres.CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_sound_production_starts_and_django_finds_it_secure() -> None:
    result = check(
        TERRA_ENVIRONMENTS="production",
        TERRA_PRODUCTION_DEV_ID="a-dev-id",
        TERRA_PRODUCTION_API_KEY="a-key",
        TERRA_PRODUCTION_BASE_URL="https://api.example.org/v2",
        SECRET_KEY_FALLBACKS=SOUND["SECRET_KEY"].swapcase(),
        PROXIES="",
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"DEBUG": "true"}, "DEBUG is on"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing, known or short"),
        ({"SECRET_KEY": "only-a-short-one"}, "SECRET_KEY is missing, known or short"),
        ({"SECRET_KEY": INSECURE_SECRET}, "SECRET_KEY is missing, known or short"),
        ({"SECRET_KEY_FALLBACKS": f"{'k' * 60},short"}, "SECRET_KEY_FALLBACKS holds a key that is known or short"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
        ({"PORTAL_URL": "http://portal.example.org"}, "PORTAL_URL is not encrypted"),
        ({"PORTAL_HOST_URL": "http://app.example.org"}, "PORTAL_HOST_URL is not encrypted"),
        ({"ALLOWED_HOSTS": "portal.example.org,*"}, "ALLOWED_HOSTS is empty or allows every name"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"DATABASE_URL": embedded_postgres.named("main").url()}, "names the embedded PostgreSQL"),
        ({"DATABASE_URL": "sqlite:///portal.sqlite3"}, "DATABASE_URL must name a PostgreSQL"),
        ({"TERRA_SANDBOX_BASE_URL": "http://127.0.0.1:8901/api/v2"}, "TERRA_SANDBOX_BASE_URL is not an https address"),
        (
            {"TERRA_LIVE_ADMIN_BASE_URL": "http://api.example.org/x"},
            "TERRA_LIVE_ADMIN_BASE_URL is not an https address",
        ),
        ({"TERRA_LIVE_BASE_URL": "https://localhost/api"}, "TERRA_LIVE_BASE_URL is not an https address outside"),
        (
            {"TERRA_LIVE_WIDGET_SESSION_URL": "http://api.example.org/s"},
            "TERRA_LIVE_WIDGET_SESSION_URL is not",
        ),
        ({"PORTAL_MODE": "staging"}, "PORTAL_MODE is 'staging'. Set it to one of: development, test, production"),
    ],
)
def test_production_does_not_start_and_names_the_fix(changes: dict[str, str], message: str) -> None:
    result = check(**changes)
    assert result.returncode != 0
    assert message in result.stderr
    assert SOUND["SECRET_KEY"] not in result.stderr


def test_without_a_mode_production_applies_with_all_its_refusals_at_once() -> None:
    result = check(PORTAL_MODE="", SECRET_KEY="", ALLOWED_HOSTS="", DEBUG="1")
    assert "This is production" in result.stderr
    assert all(name in result.stderr for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DEBUG"))


def test_a_used_development_checkout_is_production_without_an_explicit_mode() -> None:
    programs = (
        (".venv/bin/python", "manage.py", "worker"),
        (".venv/bin/gunicorn", "portal.wsgi", "--check-config"),
        (".venv/bin/python", "-c", "import portal.asgi"),
    )
    with cloned() as clone:
        assert clone.run("make", "setup").returncode == 0
        assert clone.manage("diffsettings", PORTAL_MODE="development").returncode == 0
        assert not (clone.path / ".env").exists()
        for program in programs:
            ended = clone.run(*program)
            assert ended.returncode != 0
            assert "This is production, for PORTAL_MODE does not say otherwise" in ended.stdout

        (clone.path / ".env").write_text("PORTAL_MODE=development\nPORTAL_LINKS_A_MONTH=2\n")
        for program in programs:
            ended = clone.run(*program)
            assert ended.returncode != 0
            assert ".env says PORTAL_MODE=development, and whatever is started here later" in ended.stdout
        code = "from portal import settings; print(settings.PRODUCTION, settings.PORTAL_LINKS_A_MONTH)"
        assert clone.run(".venv/bin/python", "-c", code, PORTAL_MODE="development").stdout == "False 2\n"


@pytest.mark.parametrize("mode", ["production", "development", "test"])
def test_everything_wrong_is_named_at_once_one_line_each(mode: str) -> None:
    result = check(
        PORTAL_MODE=mode,
        PROXIES="abc",
        PORTAL_LINKS_A_MONTH="-1",
        PORTAL_SECOND_FACTOR="leads",
        WEBHOOK_STALE_SECONDS="5 minutes",
        DEBUG="maybe",
        DATABASE_URL="postgresql://portal:a#secret@db.example.org:5432/portal",
        ALLOWED_HOSTS="https://portal.example.org",
        CSRF_TRUSTED_ORIGINS="portal.example.org",
        PORTAL_URL="portal.example.org",
        PORTAL_HOST_URL="app.example.org",
        PORTAL_HOSTNAME="Vitalog",
        SECRET_KEY_FALLBACK="k",
        TERRA_ENVIRONMENTS="production,staging",
        TERRA_PRODUCTION_DEV_ID="",
        TERRA_PRODUCTION_API_KEY="a key with spaces",
        TERRA_PRODUCTION_SIGNING_SECRET="whsec",
        TERRA_STAGING_DEV_ID="a-dev-id",
        TERRA_STAGING_API_KEY="a-key",
        TERRA_STAGING_PROBE_ATHLETE="perhaps",
        TERRA_STAGING_REQUESTS_PER_SECOND="many",
        TERRA_STAGNG_PRODUCTION="true",
    )

    first, *lines = result.stderr.splitlines()
    assert result.returncode == 1
    assert first.endswith("does not start like this:")
    assert [line.split()[1].strip(":") for line in lines if "The Terra" not in line] == [
        "DEBUG",
        "PROXIES",
        "PORTAL_LINKS_A_MONTH",
        "WEBHOOK_STALE_SECONDS",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "PORTAL_URL",
        "PORTAL_HOST_URL",
        "DATABASE_URL",
        "PORTAL_HOSTNAME",
        "SECRET_KEY_FALLBACK",
        "PORTAL_SECOND_FACTOR",
        "TERRA_PRODUCTION_API_KEY",
        "TERRA_STAGING_PROBE_ATHLETE",
        "TERRA_STAGING_REQUESTS_PER_SECOND",
        "TERRA_PRODUCTION_SIGNING_SECRET",
        "TERRA_STAGNG_PRODUCTION",
    ]
    assert "- The Terra environment 'production' needs TERRA_PRODUCTION_DEV_ID" in lines
    assert "- TERRA_STAGNG_PRODUCTION is read by nothing: is TERRA_STAGING_PRODUCTION meant?" in lines
    assert "secret" not in result.stderr and "whsec" not in result.stderr


@pytest.mark.parametrize(
    ("password", "sound"),
    [
        ("plain", True),
        ("a%23b%2Fc%3Fd", True),
        ("a:b@c!$&'()*+,;=", True),
        ("a#b", False),
        ("1#b", False),
        ("a/b", False),
        ("1/b", False),
        ("a?b", False),
        ("1?b", False),
        ("a b", False),
        ("[a", False),
    ],
)
def test_a_password_that_must_be_escaped_is_named(password: str, sound: bool) -> None:
    words = _wrong_database(f"postgresql://portal:{password}@db.example.org:5432/portal?sslmode=require")

    assert words == ("" if sound else RAW)
    assert password not in words


def test_former_keys_are_accepted_during_a_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", " the-one-before , and-the-one-before ,")

    assert secret_key_fallbacks() == ["the-one-before", "and-the-one-before"]


@pytest.mark.parametrize(
    ("said", "sound", "who"),
    [
        ("", True, set()),
        ("none", True, set()),
        ("all", True, {"all"}),
        (" lead, administrator ", True, {"lead", "administrator"}),
        ("leads", False, {"leads"}),
        ("none,lead", False, {"lead"}),
        ("all,lead", False, {"all", "lead"}),
        ("lead,", False, {"lead"}),
    ],
)
def test_who_must_have_a_second_factor_is_named_by_role(
    monkeypatch: pytest.MonkeyPatch, said: str, sound: bool, who: set[str]
) -> None:
    monkeypatch.setenv("PORTAL_SECOND_FACTOR", said)
    assert second_factor() == who
    trouble = list(_wrong_second_factor({"PORTAL_SECOND_FACTOR": said}, ("lead", "agent")))
    assert (trouble == []) == sound


def test_in_production_everybody_must_have_a_second_factor_if_nothing_else_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PORTAL_SECOND_FACTOR", raising=False)
    monkeypatch.setenv("PORTAL_MODE", "production")
    assert second_factor() == {"all"}


def test_settings_are_read_from_the_environment() -> None:
    code = "from django.conf import settings as s; print(s.SECRET_KEY_FALLBACKS, s.WEBHOOK_STALE_SECONDS, s.PROXIES)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_MODE": "test",
            "SECRET_KEY_FALLBACKS": "before",
            "WEBHOOK_STALE_SECONDS": "60",
            "PROXIES": " 2 ",
        },
        cwd=embedded_postgres.CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "['before'] 60 2\n"
