"""Fields of what a source sends are read whatever their notation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scopes.sources.terra.payloads import read_user

LEAST: dict[str, Any] = {"user_id": "u-1", "provider": "OURA"}


@pytest.mark.parametrize("value", [None, "", " ", "null"])
def test_no_reference_id_has_many_spellings(value: str | None) -> None:
    assert read_user({**LEAST, "reference_id": value}).reference_id is None


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2022-12-12T10:00:00.000000+00:00", datetime(2022, 12, 12, 10, tzinfo=UTC)),
        ("2022-12-12T12:30:00+02:30", datetime(2022, 12, 12, 10, tzinfo=UTC)),
        ("2022-12-12T10:00:00Z", datetime(2022, 12, 12, 10, tzinfo=UTC)),
        ("2022-12-12T10:00:00.123456789Z", datetime(2022, 12, 12, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2022-12-12T10:00:00", datetime(2022, 12, 12, 10, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("null", None),
    ],
)
def test_times_are_read_in_both_notations(value: str | None, time: datetime | None) -> None:
    assert read_user({**LEAST, "created_at": value}).created_at == time
