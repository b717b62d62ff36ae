"""Every webhook event, in every dialect that Terra sends, becomes the facts that it reports."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from scopes.facts import (
    AttemptFailed,
    ConnectionSeen,
    ConsentGiven,
    DataRefused,
    Fact,
    IdReplaced,
    LinkChanged,
    LinkState,
    ScopesChanged,
)
from scopes.sources.fields import PayloadError
from scopes.sources.terra.events import event_type, is_known, read_event, to_keep
from tests.sources.terra.conftest import FIXTURES, event

AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
ADA, ADA_AGAIN = "5f0c1c5e-3b0a-4c8e-9a55-0d6f4f4b9a01", "c2a7e7b4-8a0d-4f65-8a3c-5f8f1d2e9a02"
BEN, CY = "7b1d2f60-94c3-4d58-b7c1-2f9e6a1d3b03", "0e9a4c12-6f7b-4b0e-8d2a-91c5d7e8fc04"
DEE, FINN = "a4d8e6f2-1c3b-4e5a-9f70-6b2c8d1e4d05", "d3c2b1a0-5e6f-4a7b-8c9d-0e1f2a3b4f06"
MIA = "e8f7d6c5-b4a3-4210-9fed-cba987654307"
GARMIN = ("ACTIVITY_EXPORT", "HEALTH_EXPORT")
OURA = ("workout", "email", "personal", "session", "spo2", "daily", "tag", "heartrate")
REJECTED = "Connection degraded: the provider rejected Terra's access token; the user may need to reauthenticate"
DELETED = "User failed to authenticate and has been deleted"


def seen(**fields: Any) -> ConnectionSeen:
    return ConnectionSeen(happened_at=AT, last_webhook_on=AT.date(), **fields)


REPORTED: dict[str, Fact | tuple[Fact, ...]] = {
    "auth": ConsentGiven("garmin", ADA, AT, "ada", GARMIN, "91d7c0f3-7a55-4a0e-9d0d-6f5b3c2a1e10"),
    "auth_with_reference_on_top": ConsentGiven(
        "garmin",
        BEN,
        AT,
        "ben",
        ("COURSE_IMPORT", "WORKOUT_IMPORT", *GARMIN),
        "3c1b7e90-2f44-4b1c-8a77-5d9e0c6f2b11",
    ),
    "auth_cancelled": AttemptFailed(
        AT, "access_denied", reference_id="ada", session_id="d0b6a9e1-4c27-4f0b-b8a5-2e7f1c3d5a12"
    ),
    "auth_failed_legacy": AttemptFailed(
        AT,
        "auth_cancelled",
        provider="garmin",
        reference_id="ada",
        session_id="3c1b7e90-2f44-4b1c-8a77-5d9e0c6f2b11",
        message=DELETED,
    ),
    "auth_failed_legacy_without_user": AttemptFailed(AT, "missing_scopes", reference_id="ben", message=DELETED),
    "user_reauth": IdReplaced("garmin", ADA_AGAIN, ADA, AT, "ada", GARMIN),
    "user_reauth_without_old_user": IdReplaced("garmin", ADA_AGAIN, None, AT, "ada", GARMIN),
    "deauth": LinkChanged("garmin", CY, LinkState.DEAUTHORISED, AT, "cy", "User has deauthenticated"),
    "deauth_legacy": LinkChanged("fitbit", DEE, LinkState.DEAUTHORISED, AT, None, "User has deauthenticated"),
    "access_revoked": LinkChanged("garmin", CY, LinkState.REVOKED, AT, "cy", "User revoked access"),
    "connection_error": LinkChanged("garmin", BEN, LinkState.TOKEN_REJECTED, AT, "ben", REJECTED),
    "connection_error_legacy": LinkChanged(
        "fitbit", BEN, LinkState.TOKEN_REJECTED, AT, None, "User connection degraded"
    ),
    "connection_error_diary_key": LinkChanged(
        "myfitnesspal", MIA, LinkState.CREDENTIAL_CHANGED, AT, "mia", "403: the diary key for this user has changed"
    ),
    "connection_error_missing_scope": (
        seen(
            provider="google_fit",
            user_id=FINN,
            reference_id="finn",
            scopes=("fitness.activity.read", "fitness.sleep.read"),
            active=True,
        ),
        DataRefused("google_fit", FINN, AT, "insufficient permissions for data type"),
    ),
    "connection_error_missing_scope_legacy": (
        seen(provider="google_fit", user_id=FINN),
        DataRefused("google_fit", FINN, AT, "Insufficient permissions for data type: BODY", "body"),
    ),
    "permission_change": ScopesChanged(
        "garmin",
        ADA,
        AT,
        added=("HISTORICAL_DATA_EXPORT",),
        scopes=(*GARMIN, "HISTORICAL_DATA_EXPORT"),
        reference_id="ada",
    ),
    "permission_change_by_delta": ScopesChanged(
        "google_fit",
        FINN,
        AT,
        added=("fitness.blood_glucose.read",),
        removed=("fitness.oxygen_saturation.read", "fitness.sleep.read"),
        reference_id="finn",
    ),
    "google_no_datasource": LinkChanged(
        "google_fit", FINN, LinkState.NO_DATA_SOURCE, AT, "finn", "No data source was found for this Google account"
    ),
    "daily": seen(
        provider="oura",
        user_id=BEN,
        reference_id="ben@example.com",
        scopes=OURA,
        active=True,
        created_at=datetime(2026, 7, 4, 23, 52, 6, 316126, tzinfo=UTC),
        last_data_on=date(2026, 11, 19),
    ),
    "activity": seen(provider="apple_health", user_id=DEE, last_data_on=date(2026, 11, 19)),
    "athlete": seen(
        provider="oura",
        user_id=BEN,
        reference_id="ben@example.com",
        scopes=OURA,
        active=True,
        created_at=datetime(2026, 7, 4, 23, 52, 6, 316126, tzinfo=UTC),
    ),
}


RESOURCES = {
    "apple_health": "APPLE",
    "fitbit": "FITBIT",
    "garmin": "GARMIN",
    "google_fit": "GOOGLE",
    "myfitnesspal": "MYFITNESSPAL",
    "oura": "OURA",
}


def reported_by(name: str) -> tuple[Fact, ...]:
    """All facts of the captured event of that name; those about a connection carry Terra's own name of the provider."""
    expected = REPORTED[name]
    return tuple(
        fact if isinstance(fact, AttemptFailed | DataRefused) else replace(fact, resource=RESOURCES[fact.provider])
        for fact in (expected if isinstance(expected, tuple) else (expected,))
    )


SILENT = ["healthcheck", "s3_payload", "large_request_processing"]


@pytest.mark.parametrize("name", REPORTED)
def test_the_event_reports_its_facts(name: str) -> None:
    assert read_event(event(name), AT) == reported_by(name)


@pytest.mark.parametrize("name", SILENT)
def test_the_event_reports_no_connection(name: str) -> None:
    assert read_event(event(name), AT) == ()
    assert is_known(event_type(event(name)))


def test_every_captured_payload_is_tested() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == {*REPORTED, *SILENT}


def test_an_unknown_type_reports_nothing_even_with_a_user() -> None:
    unheard = {**event("auth"), "type": "moon_phase"}
    assert read_event(unheard, AT) == ()
    assert not is_known(event_type(unheard))


@pytest.mark.parametrize("name", REPORTED)
def test_the_order_of_keys_and_new_keys_change_nothing(name: str) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {"tomorrow": 1, **{key: turned(value[key]) for key in reversed(list(value))}}
        return value

    assert read_event(turned(event(name)), AT) == reported_by(name)


def test_an_auth_without_status_is_a_success_and_an_unknown_status_is_refused() -> None:
    payload = event("auth")
    del payload["status"]
    assert read_event(payload, AT) == reported_by("auth")
    with pytest.raises(PayloadError, match="status"):
        read_event({**payload, "status": "pending"}, AT)


def test_a_reauth_may_name_the_old_id_on_top() -> None:
    payload = {**event("user_reauth_without_old_user"), "old_user_id": ADA}
    assert read_event(payload, AT) == reported_by("user_reauth")


def test_a_reauth_that_keeps_the_id_replaces_nothing() -> None:
    payload = event("user_reauth")
    payload["old_user"] = copy.deepcopy(payload["new_user"])
    [fact] = read_event(payload, AT)
    assert isinstance(fact, IdReplaced)
    assert fact.old_user_id is None


def test_a_permission_change_that_removes_everything_is_read_from_its_delta() -> None:
    payload = {**event("permission_change"), "scopes_added": "", "scopes_removed": "ACTIVITY_EXPORT,HEALTH_EXPORT"}
    payload["user"]["scopes"] = ""
    [fact] = read_event(payload, AT)
    assert isinstance(fact, ScopesChanged)
    assert (fact.added, fact.removed, fact.scopes) == ((), GARMIN, None)


@pytest.mark.parametrize(
    "kind", ["unified_api.moon.updated", "sleep.", "unified_api.", "sleep.updated.twice", "sleepy"]
)
def test_a_dotted_name_of_an_unknown_type_is_unknown(kind: str) -> None:
    assert not is_known(kind)


@pytest.mark.parametrize(
    "created", ["0001-01-01T00:00:00Z", "1999-12-31T00:00:00Z", "2031-01-01T00:00:00Z", "9999-12-31"]
)
def test_an_impossible_time_is_not_the_time_of_a_consent(created: str) -> None:
    payload = event("daily")
    payload["user"]["created_at"] = created
    [fact] = read_event(payload, AT)
    assert isinstance(fact, ConnectionSeen)
    assert fact.created_at is None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ([], "an event must be an object, not a list"),
        ({}, "an event without type"),
        ({"type": None}, "an event without type"),
        ({"type": {"auth": 1}}, "type must be text"),
        ({"type": "auth", "status": "success"}, "the event has no user"),
        ({"type": "deauth", "user": {"provider": "OURA"}}, "a user without user_id"),
        ({"type": "user_reauth", "old_user": {}}, "the event has no new_user"),
        ({**event("permission_change"), "scopes_removed": {"all": True}}, "scopes_removed: "),
    ],
)
def test_an_important_event_that_cannot_be_read_is_an_error_with_its_reason(raw: Any, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        read_event(raw, AT)


@pytest.mark.parametrize("name", [*REPORTED, *SILENT])
def test_what_is_kept_reports_the_same_facts(name: str) -> None:
    assert read_event(to_keep(event(name), AT), AT) == read_event(event(name), AT)


def test_an_event_nested_without_end_is_refused() -> None:
    nested: Any = []
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(PayloadError, match="nested too deeply"):
        to_keep({**event("auth"), "extra": nested}, AT)


def test_what_is_kept_can_be_stored() -> None:
    payload = json.loads(json.dumps(event("deauth")).replace("User has", "User \\u0000 \\ud800 has"))
    payload["tre\0nd"] = [float("nan"), 1.5]
    kept = to_keep(payload, AT)
    assert kept["message"] == "User \ufffd \ufffd has deauthenticated"
    assert read_event(kept, AT) == read_event(payload, AT)
    assert kept["tre\ufffdnd"] == [None, 1.5]


def test_an_id_that_cannot_be_stored_is_refused_before_and_after_keeping() -> None:
    payload = event("deauth")
    payload["user"]["user_id"] = "u\0"
    for raw in (payload, to_keep(payload, AT)):
        with pytest.raises(PayloadError, match="user_id holds a character"):
            read_event(raw, AT)


def test_a_long_message_is_cut() -> None:
    [fact] = read_event({**event("deauth"), "message": "m" * 9000}, AT)
    assert isinstance(fact, LinkChanged)
    assert len(fact.detail) == 500
