"""Whatever is sent to an operation of the document, it is answered as the document says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from portal.wsgi import application
from scopes.models import ApiKey, Source
from tests.api.calls import key_for

OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application).get_all_operations()
    if isinstance(found, Ok)
}


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """A server closes the connection of a request that is answered; here it is the test's own."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_call_is_answered_as_the_document_says(operation: str, cast: Source) -> None:
    key = key_for(*ApiKey.Permission)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(OPERATIONS[operation].as_strategy())
    def answered(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"})

    answered()
