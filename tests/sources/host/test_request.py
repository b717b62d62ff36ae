"""The request says who consents to what, and where back; only the application can read it."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from joserfc.errors import JoseError

from scopes.catalogue import default
from scopes.sources.errors import RequestRefused
from scopes.sources.host.request import begin
from tests.cast import NOW
from tests.sources.host.application import BACK, HOST, OLDER, SECRET, opened, request_in, wish


def test_it_says_who_for_what_and_where_back() -> None:
    begun = begin(HOST, "host:app", wish())
    assert begun.url.startswith("https://app.example:8443/connect/oura?from=support&request=")
    assert opened(request_in(begun.url), SECRET) == {
        "iss": "host:app",
        "aud": "https://app.example:8443",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 600,
        "jti": "key-1",
        "sub": "ben@example.com",
        "provider": "oura",
        "connection": "c-1",
        "scope": "heartrate daily",
        "missing": "heartrate",
        "language": "de",
        "return_url": f"{BACK}?end=success",
        "failure_url": f"{BACK}?end=failure",
    }
    assert (begun.expires_in, begun.user_id, begun.requested) == (timedelta(minutes=10), "c-1", ("heartrate", "daily"))


def test_a_first_connection_has_no_key_to_fix() -> None:
    begun = begin(HOST, "host:app", wish(connected_as="", language="", held=()))
    assert not {"connection", "language"} & opened(request_in(begun.url), SECRET).keys()
    assert begun.user_id == ""


def test_scopes_are_written_as_the_provider_requests_them() -> None:
    google = wish(provider=default().provider("google"), missing=("calendar.readonly",), held=())
    claims = opened(request_in(begin(HOST, "host:app", google).url), SECRET)
    assert claims["scope"] == claims["missing"] == "https://www.googleapis.com/auth/calendar.readonly"


def test_nothing_of_a_person_is_readable_without_the_secret() -> None:
    url = begin(HOST, "host:app", wish()).url
    readable = b"".join(base64.urlsafe_b64decode(f"{part}==") for part in request_in(url).split("."))
    for word in ("ben", "example.com", "heartrate", "c-1", "key-1"):
        assert word not in url.partition("request=")[2] and word.encode() not in readable
    for other in (OLDER, SECRET[:-1] + "x"):
        with pytest.raises(JoseError):
            opened(request_in(url), other)


def test_an_address_that_is_too_long_for_a_server_is_refused() -> None:
    many = tuple(f"https://www.googleapis.com/auth/{number:0>40}" for number in range(30))
    with pytest.raises(RequestRefused, match="fewer scopes than 30"):
        begin(HOST, "host:app", wish(missing=many, held=()))
