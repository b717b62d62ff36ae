"""Scope strings in every notation that a source is known to use."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopes.catalogue.entries import Known
from scopes.catalogue.scope_strings import ScopeStringError, read

GOOGLE_SLEEP = "https://www.googleapis.com/auth/fitness.sleep.read"


@pytest.mark.parametrize(
    ("reported", "scopes"),
    [
        # What Terra reports, or shows in its documentation.
        (
            "COURSE_IMPORT,WORKOUT_IMPORT,ACTIVITY_EXPORT,HEALTH_EXPORT",
            ("COURSE_IMPORT", "WORKOUT_IMPORT", "ACTIVITY_EXPORT", "HEALTH_EXPORT"),
        ),
        (
            "workout,email,personal,session,spo2,daily,tag,heartrate",
            ("workout", "email", "personal", "session", "spo2", "daily", "tag", "heartrate"),
        ),
        ("fitness.blood_glucose.read", ("fitness.blood_glucose.read",)),
        ("activity:read,sleep:read", ("activity:read", "sleep:read")),
        ("activity, sleep , body", ("activity", "sleep", "body")),
        # What providers report themselves.
        ("read,activity:read_all", ("read", "activity:read_all")),
        ("extapi:daily extapi:email", ("extapi:daily", "extapi:email")),
        ("settings+nutrition+oxygen_saturation", ("settings", "nutrition", "oxygen_saturation")),
        ("{ACTIVITY=READ_WRITE}", ("ACTIVITY=READ_WRITE",)),
        ("{ACTIVITY=READ, HEARTRATE=READ}", ("ACTIVITY=READ", "HEARTRATE=READ")),
        ("rwei ract rnut", ("rwei", "ract", "rnut")),
        (f"openid {GOOGLE_SLEEP}", ("openid", GOOGLE_SLEEP)),
        ("whoop-partner/token offline", ("whoop-partner/token", "offline")),
        ('["ACTIVITY_EXPORT", "HEALTH_EXPORT"]', ("ACTIVITY_EXPORT", "HEALTH_EXPORT")),
        ("read\nread_all\r\nprofile:write\t", ("read", "read_all", "profile:write")),
        (["daily", " email ", ""], ("daily", "email")),
        (("read,activity:read",), ("read", "activity:read")),
        # Each once, as first seen, with its case.
        ("sleep,daily,sleep", ("sleep", "daily")),
        ("Sleep,sleep", ("Sleep", "sleep")),
        # A plus separates only where nothing else does.
        ("a+b,c", ("a+b", "c")),
        ("+sleep", ("+sleep",)),
    ],
)
def test_reported_scopes_are_read(reported: object, scopes: tuple[str, ...]) -> None:
    for reports in Known:
        assert read(reported, reports=reports) == scopes


@pytest.mark.parametrize(
    "reported", [None, "", "  ", ",,,", " , ,\n", "null", "None", [""], [" ", ","], '[""]', "{ , }"]
)
def test_nothing_and_blank_are_not_reported(reported: object) -> None:
    for reports in Known:
        assert read(reported, reports=reports) is None


@pytest.mark.parametrize("reported", [[], (), "[]", " [ ] ", "{}"])
def test_an_empty_list_means_none_granted_only_where_the_provider_reports(reported: object) -> None:
    assert read(reported, reports=Known.YES) == ()
    assert read(reported, reports=Known.NO) is None
    assert read(reported, reports=Known.UNKNOWN) is None


def test_the_provider_s_own_separator_is_one_more_and_not_the_only_one() -> None:
    assert read("daily;email", reports=Known.YES, separator=";") == ("daily", "email")
    assert read("daily,email", reports=Known.YES, separator=" ") == ("daily", "email")


@pytest.mark.parametrize(
    ("reported", "complaint"),
    [
        ({"scopes": "daily"}, "text or a list of texts, not dict"),
        (7, "not int"),
        (True, "not bool"),
        (b"daily", "not bytes"),
        (["daily", 7], "scope 2 of the list must be text, not int"),
        ('["daily", null]', "scope 2 of the list must be text, not NoneType"),
        ('["daily"', "begins like a JSON array"),
        ("[" * 100_000, "begins like a JSON array"),
        ('{"daily": true}', "begins with a brace"),
        ("{ACTIVITY=READ", "begins with a brace"),
        ("daily,sle\x00ep", "scope 2 holds a character that cannot be printed"),
        ('["\\ud800"]', "cannot be printed"),
        ("x" * 201, "scope 1 has 201 characters"),
        (",".join(f"scope{n}" for n in range(501)), "more than 500 scopes"),
        (" " * 250_001, "250001 characters"),
    ],
)
def test_what_is_no_list_of_scopes_is_refused(reported: object, complaint: str) -> None:
    with pytest.raises(ScopeStringError, match=complaint):
        read(reported, reports=Known.YES)


def test_a_refusal_never_repeats_what_was_reported() -> None:
    token = "secret-token-" + "x" * 300
    with pytest.raises(ScopeStringError) as refusal:
        read(token, reports=Known.YES)
    assert "secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_the_largest_allowed_list_is_read() -> None:
    scopes = [f"{n:0>200}" for n in range(500)]
    assert read(", ".join(scopes), reports=Known.YES) == tuple(scopes)


SCOPE = st.text(alphabet="abcXYZ019_.:/=-", min_size=1, max_size=20).filter(
    lambda s: s.casefold() not in ("null", "none")
)
SCOPES = st.lists(SCOPE, min_size=1, max_size=12, unique=True)


@given(SCOPES, st.randoms(use_true_random=False), st.sampled_from([",", " ", ", ", "\n", " ,\t", ",,", "  "]))
def test_order_separator_and_padding_never_matter_for_the_set(
    scopes: list[str], random: Random, separator: str
) -> None:
    shuffled = sorted(scopes, key=lambda _: random.random())
    scruffy = f" {separator.join(shuffled)}{separator}"
    assert read(scruffy, reports=Known.YES) == tuple(shuffled)
    assert set(shuffled) == set(read(",".join(scopes), reports=Known.UNKNOWN) or ())


@given(SCOPES)
def test_a_json_array_a_list_and_a_comma_string_say_the_same(scopes: list[str]) -> None:
    expected = tuple(scopes)
    assert read(json.dumps(scopes), reports=Known.YES) == expected
    assert read(scopes, reports=Known.YES) == expected
    assert read(",".join(scopes), reports=Known.YES) == expected


@given(st.lists(SCOPE.filter(lambda s: "://" not in s), min_size=2, max_size=12, unique=True))
def test_query_text_with_plus_signs_is_read(scopes: list[str]) -> None:
    assert read("+".join(scopes), reports=Known.YES) == tuple(scopes)


@given(st.text(max_size=60))
def test_any_text_is_refused_or_read_the_same_again(text: str) -> None:
    try:
        scopes = read(text, reports=Known.YES)
    except ScopeStringError:
        return
    assert not scopes or read(list(scopes), reports=Known.YES) == scopes
