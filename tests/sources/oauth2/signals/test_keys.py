"""The keys of who signs events are read once an hour, and anew for a key that is not known, once a minute."""

from __future__ import annotations

import pytest
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer

from scopes.sources.calls import Calls
from scopes.sources.oauth2.signals import keys
from scopes.sources.oauth2.signals.keys import KEPT_SECONDS, READ_ANEW_AFTER_SECONDS, Keys

FIRST, SECOND = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("1", "2"))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    keys.forget()
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def found(published: Keys, key_id: str | None) -> object:
    """The id of the key that is found; None where none is."""
    key = published.find(key_id)
    return key and key.kid


def publish(httpserver: HTTPServer, *published: RSAKey) -> Keys:
    httpserver.clear()
    httpserver.expect_request("/jwks").respond_with_json({"keys": [key.as_dict(private=False) for key in published]})
    return Keys("google", httpserver.url_for("/jwks"), Calls())


def test_keys_are_read_once_an_hour(httpserver: HTTPServer, now: list[float]) -> None:
    published = publish(httpserver, FIRST)
    assert [found(published, "1"), found(published, "1"), len(httpserver.log)] == ["1", "1", 1]
    now[0] += KEPT_SECONDS
    assert published.find("1") and len(httpserver.log) == 2


def test_a_key_that_is_not_known_is_looked_for_anew_once_a_minute(httpserver: HTTPServer, now: list[float]) -> None:
    assert publish(httpserver, FIRST).find("1")
    published = publish(httpserver, FIRST, SECOND)
    assert (published.find("2"), len(httpserver.log)) == (None, 0)
    now[0] += READ_ANEW_AFTER_SECONDS
    assert found(published, "2") == "2"
    assert published.find("made up") is None and len(httpserver.log) == 1


def test_without_an_id_only_a_single_key_is_meant(httpserver: HTTPServer, now: list[float]) -> None:
    assert found(publish(httpserver, FIRST), None) == "1"
    keys.forget()
    assert publish(httpserver, FIRST, SECOND).find(None) is None
