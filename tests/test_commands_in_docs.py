"""The commands of the README and of the documentation, as they are written, in order, in a fresh clone.

The sandbox stands in Terra's place. Only what needs the network is left out, and a port that may be in use is changed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import requests

from portal import embedded_postgres
from portal.embedded_postgres import CHECKOUT
from tests.faults.machine import free_port, until
from tests.fresh_clone import Clone, cloned
from tests.terminal import Answer, typed

KEYS = {"DEV_ID": "a-dev-id", "API_KEY": "an-api-key", "SIGNING_SECRETS": "a-signing-secret"}
FROM_THE_NETWORK = ("python3.13 -m venv", ".venv/bin/pip install")
SUPERUSER: dict[str, Answer] = {
    r"Username[^:]*: $": "vera",
    r"Email address: $": "vera@example.com",
    r"Password: $": "a long and private one",
    r"Password \(again\): $": "a long and private one",
}
WITH_COMMANDS = ("docs/operations.md", "docs/policies.md", "docs/diagnose.md", "docs/security.md")
# An exit code: it completed and found what --fail-on names.
FOUND = 3
PLACEHOLDERS = {
    "REFERENCE_OR_EMAIL": "ada",
    "REFERENCE": "ben",
    "0b9e7a5c-6f0e-4b6e-8d52-0d2f1c7c1a55": "5d1c7b0e-3f3f-4f0b-9c53-0a6a3c1f0001",  # of docs/examples/connections.csv
}
RECORDS = """
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone
from scopes.catalogue import default
from scopes.judge.policy import draft, ensure_integration
from scopes.models import Delivery, Source
now, source = timezone.now(), Source.objects.create(kind="terra", name="production", production=True)
User.objects.create(username="rex", is_staff=True).groups.add(Group.objects.get(name="engineer"))
content = {"requested": ["email", "daily"], "approved": None, "requirements": []}
integration = ensure_integration(source, default().provider("oura"), now)
with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE scopes_policyversion ALTER COLUMN id RESTART WITH 17")
draft(integration, content, author="rex", now=now)
Delivery.objects.create(
    pk=4711, source=source, digest="00000000-0000-0000-0000-000000000001", kind="auth", signed_at=now, received_at=now,
    body={"type": "auth", "status": "success", "user": {"user_id": "u", "provider": "OURA", "scopes": "email"}},
)
"""
PREPARED = ("migrate --verbosity 0", "load_catalogue", f"shell --no-imports --command '{RECORDS}'")


def blocks(page: str) -> list[str]:
    """The code blocks without a language."""
    return re.findall(r"^```\n(.*?)^```$", (CHECKOUT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def block(page: str, part: str) -> str:
    """The one block of a page that contains the text."""
    (found,) = [text for text in blocks(page) if part in text]
    return str(found)


@pytest.fixture
def clone() -> Iterator[Clone]:
    with cloned() as made:
        yield made


@contextmanager
def terra(clone: Clone, name: str) -> Iterator[dict[str, str]]:
    """The variables that make Terra's environment of that name the sandbox, while it runs."""
    keys = {f"TERRA_SANDBOX_{key}": value for key, value in KEYS.items()}
    command = [str(clone.path / ".venv" / "bin" / "python"), "manage.py", "sandbox", "--people", "12", "--port", "0"]
    variables = {**clone.variables, **keys, "TERRA_ENVIRONMENTS": "sandbox", "PORTAL_MODE": "test"}
    with subprocess.Popen(command, cwd=clone.path, env=variables, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout
            (url,) = set(re.findall(r"http://127\.0\.0\.1:\d+", json.dumps(json.loads(sandbox.stdout.readline()))))
            prefix = f"TERRA_{name.upper()}"
            yield {
                f"{prefix}_BASE_URL": f"{url}/api/v2",
                f"{prefix}_WIDGET_SESSION_URL": f"{url}/api/widget/session",
            }
        finally:
            sandbox.terminate()


def answers(address: str) -> Answer:
    """Proves that it serves at the address that it printed."""

    def prove(_: str) -> None:
        assert requests.get(f"{address}/admin/login/", timeout=60, allow_redirects=False).status_code in (200, 301)

    return prove


def test_an_account_at_terra_is_imported_as_in_the_readme(clone: Clone) -> None:
    file, commands = (
        block("README.md", "_SIGNING_SECRETS=…"),
        block("README.md", "manage.py check_source terra:testing"),
    )
    for key, value in KEYS.items():
        file = file.replace(f"{key}=…", f"{key}={value}")
    (clone.path / ".env").write_text(file, "utf-8")
    port = free_port()
    script = commands.replace("manage.py runserver", f"manage.py runserver {port}")
    assert "…" not in file and script != commands

    with terra(clone, "testing") as variables:
        served = {"Quit the server with": answers(f"http://127.0.0.1:{port}")}
        shown = typed(script, clone.path, clone.variables | variables, SUPERUSER | served)

    assert "Quit the server with" in shown, shown
    assert "Superuser created successfully" in shown
    assert "Traceback" not in shown
    assert re.search(r"oura through terra:testing.*\n", shown), shown
    assert "Ada Archer" in shown


def test_a_production_is_installed_as_in_the_operations_page(clone: Clone) -> None:
    lines = block("docs/operations.md", "manage.py collectstatic").splitlines(keepends=True)
    script = "".join(line for line in lines if not line.startswith(FROM_THE_NETWORK))
    assert len(script.splitlines()) == len(lines) - len(FROM_THE_NETWORK)
    port = free_port()
    own = embedded_postgres.named(f"production-{uuid.uuid4().hex[:8]}")
    try:
        with own.held(), TemporaryDirectory() as directory:
            (Path(directory) / "server").symlink_to(own.sockets)
            variables = {
                "SECRET_KEY": uuid.uuid4().hex * 2,
                "ALLOWED_HOSTS": "127.0.0.1",
                "DATABASE_URL": f"postgresql://postgres@:5432/{embedded_postgres.DATABASE}?host={directory}/server",
            }
            served = {"Listening at": answers(f"http://127.0.0.1:{port}")}
            script = script.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            shown = typed(script, clone.path, clone.variables | variables, SUPERUSER | served)
    finally:
        own.remove()

    assert "Listening at" in shown, shown
    assert "Superuser created successfully" in shown
    assert "Traceback" not in shown


def test_each_command_of_the_documentation_runs_as_it_is_written(clone: Clone) -> None:
    failed = []
    with terra(clone, "production") as addresses:
        keys = {f"TERRA_PRODUCTION_{key}": value for key, value in KEYS.items()}
        variables = {"PORTAL_MODE": "development", "TERRA_ENVIRONMENTS": "production", **keys, **addresses}
        prepare(clone, variables)
        for page, line in commands():
            code, shown = end_worker(clone, line, variables) if "worker" in line else run_once(clone, line, variables)
            if code not in ((0, FOUND) if "--fail-on" in line else (0,)) or "Traceback" in shown:
                failed.append(f"{page}: {line}\n{shown}")
    assert not failed, "\n".join(failed)


def commands() -> list[tuple[str, str]]:
    """Each line that calls one of our commands, with its page, but for installing."""
    found = []
    for page in WITH_COMMANDS:
        text = "\n".join(part for part in blocks(page) if "collectstatic" not in part)
        for line in re.findall(r"^(?:30 3 .* && |\$ )?(\.venv/bin/python manage\.py .*)$", text, re.MULTILINE):
            for old, new in PLACEHOLDERS.items():
                line = line.replace(old, new)  # noqa: PLW2901
            found.append((page, re.sub(r"\s+#.*", "", line)))
    assert {page for page, _ in found} == {
        "docs/operations.md",
        "docs/policies.md",
        "docs/diagnose.md",
        "docs/security.md",
    }
    return found


def run_once(clone: Clone, line: str, variables: Mapping[str, str]) -> tuple[int, str]:
    ended = clone.run("sh", "-c", line, **variables)
    return ended.returncode, ended.stdout


def end_worker(clone: Clone, line: str, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a worker until it schedules jobs, which is after it listens to signals, and then end it."""
    url = clone.run(".venv/bin/python", "-m", "portal.database", "url").stdout.strip()
    own = {**clone.variables, **variables}
    with (
        psycopg.connect(url, autocommit=True) as database,
        subprocess.Popen(
            ["sh", "-c", f"exec {line}"], cwd=clone.path, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as worker,
    ):
        scheduled = "SELECT EXISTS (SELECT FROM procrastinate_periodic_defers)"
        until(lambda: worker.poll() is not None or database.execute(scheduled).fetchone() == (True,))
        worker.terminate()
        shown = worker.communicate(timeout=300)[0].decode()
    return worker.returncode, shown


def prepare(clone: Clone, variables: Mapping[str, str]) -> None:
    """What the pages presuppose: tables, a catalogue, the files and the records that they name."""
    examples = CHECKOUT / "docs" / "examples"
    for name in ("people.csv", "connections.csv"):
        shutil.copy(examples / name, clone.path)
    policies = (examples / "policies.yaml").read_text("utf-8").replace("terra:sandbox", "terra:production")
    (clone.path / "policies.yaml").write_text(policies, "utf-8")
    (clone.path / "error.txt").write_text("403 Forbidden: insufficient_scope: daily", "utf-8")
    for line in ("make start", *(f".venv/bin/python manage.py {words}" for words in PREPARED)):
        code, shown = run_once(clone, line, variables)
        assert code == 0, shown
