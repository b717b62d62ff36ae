"""`sync_connections`: what was listed in words and as JSON, and what could not be listed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.core.management import CommandError

from scopes.models import Connection
from tests.management.output import output_of
from tests.terra_sandbox import KEYS, Listed, listed

pytestmark = pytest.mark.django_db


@pytest.fixture
def terra(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listed]:
    with listed(10) as found:
        monkeypatch.setenv("TERRA_ENVIRONMENTS", "sandbox")
        monkeypatch.setenv("TERRA_SANDBOX_DEV_ID", KEYS["dev_id"])
        monkeypatch.setenv("TERRA_SANDBOX_API_KEY", KEYS["api_key"])
        monkeypatch.setenv("TERRA_SANDBOX_BASE_URL", f"{found.sandbox.url}/api/v2")
        yield found


def test_it_says_what_was_new_and_then_that_nothing_is(terra: Listed) -> None:
    number = terra.population.connections
    first = output_of("sync_connections")
    assert first.startswith(f"terra:sandbox: {number} connections on 1 page, {number} new")
    assert f"{number} unchanged" in output_of("sync_connections", "terra:sandbox")
    assert Connection.objects.count() == number


def test_the_counts_can_be_read_by_a_machine(terra: Listed) -> None:
    counts = json.loads(output_of("sync_connections", "--json"))["terra:sandbox"]
    assert counts["new"] == counts["users"] == terra.population.connections


def test_a_source_that_cannot_be_listed_is_named_with_its_reason(terra: Listed) -> None:
    terra.add_fault(kind="401", times=1)
    with pytest.raises(CommandError, match=r"^terra:sandbox could not be listed: .*401") as refused:
        output_of("sync_connections")
    assert refused.value.returncode == 1 and KEYS["api_key"] not in str(refused.value)


def test_without_a_source_there_is_nothing_to_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TERRA_ENVIRONMENTS", raising=False)
    with pytest.raises(CommandError, match="No source is set up that can be listed"):
        output_of("sync_connections")
