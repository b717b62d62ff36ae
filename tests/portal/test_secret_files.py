"""Secrets may come from files; what is wrong with one is said without what it holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from portal import embedded_postgres
from portal.secret_files import fill_in
from scopes.sources.registry import is_secret
from tests.portal.test_environment import SOUND


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "DATABASE_URL",
        "SCOPES_TOKEN_KEYS",
        "PORTAL_METRICS_TOKEN",
        "EMAIL_URL",
        "OIDC_CLIENT_SECRET",
        "ANYMAIL_POSTMARK_SERVER_TOKEN",
        "TERRA_PRODUCTION_API_KEY",
        "TERRA_PRODUCTION_SIGNING_SECRETS",
        "TERRA_PRODUCTION_ADMIN_TOKEN",
        "OAUTH2_GOOGLE_CLIENT_SECRET",
        "HOST_APP_SIGNING_SECRETS",
    ],
)
def test_each_secret_is_taken_from_the_file_that_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("  s3cret-ä \n", "utf-8")
    variables = {f"{name}_FILE": str(file), "PATH": "/bin"}

    assert fill_in(variables, is_secret) == []
    assert variables == {name: "s3cret-ä", "PATH": "/bin"}


@pytest.mark.parametrize(
    "name", ["AWS_WEB_IDENTITY_TOKEN", "SSL_CERT", "HOST_CERT", "DEBUG", "PORTAL_MODE", "TERRA_PRODUCTION_DEV_ID", ""]
)
def test_files_of_others_are_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    variables = {f"{name}_FILE": str(tmp_path / "secret")}

    assert fill_in(variables, is_secret) == []
    assert variables == {f"{name}_FILE": str(tmp_path / "secret")}


def test_a_file_that_is_missing_empty_or_no_text_is_named_and_so_is_a_secret_that_is_given_twice(
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "fine").write_text("s3cret")
    variables = {
        "SECRET_KEY_FILE": str(tmp_path / "missing"),
        "EMAIL_URL_FILE": str(tmp_path / "empty"),
        "DATABASE_URL_FILE": str(tmp_path / "bytes"),
        "SCOPES_TOKEN_KEYS_FILE": str(tmp_path),
        "PORTAL_METRICS_TOKEN_FILE": str(tmp_path / "fine"),
        "PORTAL_METRICS_TOKEN": "another",
        "SECRET_KEY_FALLBACKS_FILE": "",
    }

    assert fill_in(variables, is_secret) == [
        "SECRET_KEY_FILE names a file that cannot be read (FileNotFoundError).",
        "EMAIL_URL_FILE names a file that is empty, or is no text.",
        "DATABASE_URL_FILE names a file that cannot be read (UnicodeDecodeError).",
        "SCOPES_TOKEN_KEYS_FILE names a file that cannot be read (IsADirectoryError).",
        "PORTAL_METRICS_TOKEN and PORTAL_METRICS_TOKEN_FILE are both set. Remove one of them.",
    ]


def test_production_starts_with_secrets_from_files_and_refuses_those_that_it_would_refuse_from_a_variable(
    tmp_path: Path,
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL"):
        (tmp_path / name).write_text(SOUND[name] + "\n")
    (tmp_path / "weak").write_text("weak")
    files = {f"{name}_FILE": str(tmp_path / name) for name in ("SECRET_KEY", "DATABASE_URL")}
    code = "from portal import settings as s; print(s.SECRET_KEY, s.DATABASES['default']['PASSWORD'])"

    def start(**more: str) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": "", "ALLOWED_HOSTS": "portal.example.org", "DEBUG": "", **files, **more}
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=embedded_postgres.CHECKOUT,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    assert start().stdout == f"{SOUND['SECRET_KEY']} secret\n"
    refused = start(SECRET_KEY_FILE=str(tmp_path / "weak"))
    assert refused.returncode != 0 and "SECRET_KEY is missing, known or short" in refused.stderr
