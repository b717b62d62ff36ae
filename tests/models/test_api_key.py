"""Of a key only digests are stored, and the log shows none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import serializers
from django.utils import timezone

from portal.logs import scrubbed
from scopes.models import ApiCall, ApiKey
from scopes.models.api_key import new_public_id, new_secret, written
from tests.api.calls import key_for
from tests.models.rows import refuses, twice

pytestmark = pytest.mark.django_db


def a_call() -> ApiCall:
    key = ApiKey.objects.get()
    return ApiCall.objects.create(key=key, idempotency_key="once", request="digest", at=timezone.now())


REFUSED: dict[str, Callable[[], object]] = {
    "api_key_may_call": lambda: ApiKey.objects.update(requests_per_minute=0),
    "api_key_previous_secret_ends": lambda: ApiKey.objects.update(previous_digest="x"),
    "api_call_once": lambda: twice(a_call),
}


def test_a_key_cannot_be_read_from_what_is_stored() -> None:
    key = key_for()
    stored = serializers.serialize("json", ApiKey.objects.all())
    assert key.rpartition("_")[2] not in stored


def test_the_log_shows_no_key() -> None:
    key = written(new_public_id(), new_secret())
    for line in (key, f"Authorization: Bearer {key}", f"/api/v1/key?key={key}&x"):
        assert key.rpartition("_")[2] not in scrubbed(line)


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(name: str) -> None:
    key_for()
    refuses(name, REFUSED[name])


def test_an_end_needs_a_previous_secret() -> None:
    key_for()
    refuses("api_key_previous_secret_ends", lambda: ApiKey.objects.update(previous_until=timezone.now()))
