"""`manage.py sandbox`, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., tuple["subprocess.Popen[str]", dict[str, Any]]]


@pytest.fixture
def run() -> Iterator[Run]:
    """Starts the command, and yields its process and its one line once it is ready."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **variables: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "sandbox", *arguments],
            cwd=ROOT,
            env={**os.environ, "PORTAL_MODE": "test", **variables},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_it_prints_its_address_serves_and_ends_on_sigterm(run: Run) -> None:
    process, ready = run(
        "--port=0",
        "--people=30",
        TERRA_SANDBOX_DEV_ID="our-id",
        TERRA_SANDBOX_API_KEY="our-key",
        TERRA_SANDBOX_SIGNING_SECRETS="our-secret,an-older-one",
    )
    assert ready["url"].startswith("http://127.0.0.1:")
    assert "our-key" not in json.dumps(ready) and "our-secret" not in json.dumps(ready)
    listing = requests.get(
        f"{ready['base_url']}/subscriptions?page=0",
        headers={"dev-id": "our-id", "x-api-key": "our-key"},
        timeout=10,
    ).json()["data"]["results"]
    assert len(listing) == ready["connections"]
    token = {"x-sandbox-token": ready["control_token"]}
    assert requests.get(f"{ready['url']}/_sandbox/settings", headers=token, timeout=10).status_code == 200

    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=10)
    assert (process.returncode, rest) == (0, "")


def test_a_port_in_use_is_skipped_and_missing_keys_are_generated(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, ready = run(f"--port={port}", "--connections=12", TERRA_SANDBOX_DEV_ID="", TERRA_SANDBOX_API_KEY="")
    assert port < int(ready["url"].rsplit(":", 1)[1]) <= port + 50
    headers = {"dev-id": ready["dev_id"], "x-api-key": ready["api_key"]}
    listing = requests.get(f"{ready['base_url']}/subscriptions", headers=headers, timeout=10).json()
    assert len(listing["users"]) == ready["connections"] == 12


def test_it_is_an_oauth_provider_where_one_is_named(run: Run) -> None:
    back = "http://127.0.0.1:8000/r/back/oauth2/google_health/"
    process, ready = run(
        "--port=0",
        "--oauth=google_health",
        f"--redirect-uri={back}",
        SCOPES_TOKEN_KEYS=f"1:{b64encode(bytes(32)).decode()}",
        OAUTH2_CLIENTS="google_health",
        OAUTH2_GOOGLE_HEALTH_CLIENT_ID="our-client",
        OAUTH2_GOOGLE_HEALTH_CLIENT_SECRET="our-secret",
    )
    assert ready["redirect_uris"] == [back]
    assert "our-secret" not in json.dumps(ready)
    metadata = requests.get(f"{ready['url']}/.well-known/oauth-authorization-server", timeout=10).json()
    assert metadata["issuer"] == ready["url"]
    asked = {"client_id": "our-client", "redirect_uri": back, "response_type": "code", "state": "s"}
    answered = requests.get(metadata["authorization_endpoint"], params=asked, allow_redirects=False, timeout=10)
    assert answered.headers["Location"].startswith(f"{back}?error=invalid_request")

    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=10)
    assert (process.returncode, rest) == (0, "")


@pytest.mark.parametrize(("slug", "says"), [("stride", "no provider 'stride'"), ("garmin", "Garmin cannot be played")])
def test_it_is_no_provider_that_it_cannot_be(slug: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("sandbox", oauth=slug, port=0)


@pytest.mark.parametrize("name", ["people.csv", "people.jsonl"])
def test_the_people_file_is_written_and_that_is_all(tmp_path: Path, name: str) -> None:
    out = StringIO()
    call_command("sandbox", people=25, people_file=tmp_path / name, stdout=out)
    written = (tmp_path / name).read_text(encoding="utf-8").splitlines()
    assert len(written) == 25 + (name == "people.csv")
    assert out.getvalue() == f"People written to {tmp_path / name}: 25\n"


def test_a_people_file_of_another_kind_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "people.txt").write_text("mine")
    with pytest.raises(CommandError, match=r"must end in \.csv or \.jsonl"):
        call_command("sandbox", people_file=tmp_path / "people.txt")
    assert (tmp_path / "people.txt").read_text() == "mine"


def test_a_people_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("sandbox", people_file=tmp_path / "nowhere" / "people.csv")


def test_it_does_not_run_where_it_is_not_allowed(settings: Settings) -> None:
    settings.SANDBOX_ALLOWED = False
    with pytest.raises(CommandError, match="does not run in production"):
        call_command("sandbox")
    del settings.SANDBOX_ALLOWED
    with pytest.raises(CommandError, match="does not run in production"):
        call_command("sandbox")
