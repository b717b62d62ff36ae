"""Terra's user object is read in each of its generations; what cannot be read is an error with its reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from scopes.sources.fields import PayloadError
from scopes.sources.terra.payloads import TerraUser, read_user, user_to_fact
from tests.sources.terra.conftest import answer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEAST: dict[str, Any] = {"user_id": "u-1", "provider": "OURA"}


def test_a_current_user_is_read_whole() -> None:
    assert read_user(answer("user_info")["user"]) == TerraUser(
        user_id="5f0c1c5e-3b0a-4c8e-9a55-0d6f4f4b9a01",
        resource="GARMIN",
        provider="garmin",
        reference_id="ada@example.com",
        scopes=("ACTIVITY_EXPORT", "HEALTH_EXPORT"),
        active=True,
        created_at=datetime(2026, 3, 12, 10, tzinfo=UTC),
        last_webhook_update=datetime(2026, 11, 12, 10, tzinfo=UTC),
        last_polled_at=datetime(2026, 11, 20, 11, tzinfo=UTC),
        most_recent_data_at=datetime(2026, 11, 19, 23, tzinfo=UTC),
    )


def test_a_user_of_2021_has_few_fields() -> None:
    user = read_user(answer("user_info_2021")["user"])
    assert (user.user_id, user.provider) == ("123456", "fitbit")
    assert (user.reference_id, user.scopes, user.active, user.created_at) == (None, None, None, None)


def test_unknown_keys_are_ignored() -> None:
    assert read_user({"new": {"in": 2027}, **LEAST}) == read_user(LEAST)


@pytest.mark.parametrize(
    ("value", "slug"),
    [("oura", "oura"), (" GOOGLE ", "google_fit"), ("MYFITNESSPAL", "myfitnesspal"), ("Fancy Ring 2", "fancy_ring_2")],
)
def test_the_provider_is_named_by_our_slug_even_if_unknown(value: str, slug: str) -> None:
    assert read_user({**LEAST, "provider": value}).provider == slug


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ("workout,email, daily ", ("workout", "email", "daily")),
        (["email", "daily"], ("email", "daily")),
        ([], ()),
        (None, None),
        ("", None),
        (",,,", None),
    ],
)
def test_scopes_are_read_and_not_reported_is_not_none_granted(value: object, scopes: tuple[str, ...] | None) -> None:
    assert read_user({**LEAST, "scopes": value}).scopes == scopes


def test_an_empty_list_proves_nothing_of_a_provider_that_reports_no_scopes() -> None:
    assert read_user({**LEAST, "provider": "APPLE", "scopes": []}).scopes is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("somebody", "a user must be an object, not text"),
        (None, "not null"),
        ({"provider": "OURA"}, "a user without user_id"),
        ({"user_id": "", "provider": "OURA"}, "a user without user_id"),
        ({"user_id": "null", "provider": "OURA"}, "a user without user_id"),
        ({"user_id": "u-1"}, "a user without provider"),
        ({**LEAST, "provider": "?!"}, "provider must be a name"),
        ({**LEAST, "user_id": ["u-1"]}, "user_id must be text, not a list"),
        ({**LEAST, "user_id": "u" * 121}, "user_id has 121 characters"),
        ({**LEAST, "reference_id": "a\0da"}, "reference_id holds a character that cannot be stored"),
        ({**LEAST, "reference_id": "\ud800"}, "reference_id holds a character that cannot be stored"),
        ({**LEAST, "reference_id": "x" * 256}, "reference_id has 256 characters"),
        ({**LEAST, "active": "true"}, "active must be true or false, not text"),
        ({**LEAST, "scopes": {"daily": True}}, "scopes: "),
        ({**LEAST, "created_at": "yesterday"}, "created_at is not an ISO 8601 time"),
        ({**LEAST, "created_at": 1700000000}, "created_at must be an ISO 8601 time, not a number"),
        ({**LEAST, "created_at": "0001-01-01T00:00:00+05:00"}, "created_at is not an ISO 8601 time"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_reason(raw: object, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        read_user(raw)


def test_an_error_never_repeats_what_was_sent() -> None:
    with pytest.raises(PayloadError) as refused:
        read_user({**LEAST, "reference_id": "ada@example.com" * 20, "created_at": "ada@example.com"})
    assert "ada" not in str(refused.value)


def test_a_listed_user_becomes_an_observation() -> None:
    fact = user_to_fact(read_user(answer("user_info")["user"]), NOW, provider_user_id="G-1")
    assert (fact.provider, fact.happened_at, fact.reference_id) == ("garmin", NOW, "ada@example.com")
    assert (fact.scopes, fact.active) == (("ACTIVITY_EXPORT", "HEALTH_EXPORT"), True)
    assert (fact.last_webhook_on, fact.last_data_on) == (date(2026, 11, 12), date(2026, 11, 19))
    assert (fact.created_at, fact.provider_user_id) == (datetime(2026, 3, 12, 10, tzinfo=UTC), "G-1")
