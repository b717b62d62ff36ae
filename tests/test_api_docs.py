"""The examples of docs/api.md run as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from portal.embedded_postgres import CHECKOUT
from scopes.models import ApiKey, Connection, Person, ReportedError, Source
from tests.api.calls import key_for

PAGE = (CHECKOUT / "docs" / "api.md").read_text()


def blocks(language: str) -> str:
    """All examples in one language, one after the other."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "command"), [("bash", ["bash", "-euo", "pipefail", "-c"]), ("python", [sys.executable, "-c"])]
)
def test_the_examples_run_as_they_are_written(
    language: str, command: list[str], live_server: Any, cast: Source
) -> None:
    Source.objects.create(kind="host", name="app", production=True)
    environment = {**os.environ, "PORTAL": live_server.url, "KEY": key_for(*ApiKey.Permission)}

    ran = subprocess.run(
        [*command, blocks(language)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "public_id" in ran.stdout
    connections = Connection.objects.filter(user_id="4711", standing__reported=["daily", "email"])
    reported = Person.objects.filter(reference_id="ref-gus") if language == "bash" else connections
    assert reported.exists()
    assert ReportedError.objects.exists(), "each language reports one"
