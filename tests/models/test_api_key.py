"""Of a key only digests are stored, and the log shows none."""

from __future__ import annotations

import pytest
from django.core import serializers
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.logs import scrubbed
from scopes.models import ApiKey
from scopes.models.api_key import new_public_id, new_secret, written
from tests.api.calls import key_for

pytestmark = pytest.mark.django_db


def test_a_key_cannot_be_read_from_what_is_stored() -> None:
    key = key_for()
    stored = serializers.serialize("json", ApiKey.objects.all())
    assert key.rpartition("_")[2] not in stored


def test_the_log_shows_no_key() -> None:
    key = written(new_public_id(), new_secret())
    for line in (key, f"Authorization: Bearer {key}", f"/api/v1/key?key={key}&x"):
        assert key.rpartition("_")[2] not in scrubbed(line)


def test_a_previous_secret_has_an_end() -> None:
    key_for()
    for values in ({"previous_digest": "x"}, {"previous_until": timezone.now()}, {"requests_per_minute": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.update(**values)
