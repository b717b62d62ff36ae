"""A call needs a key that is known, in force, within its limit, and allowed to make it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scopes.api.keys import source_of
from scopes.api.problems import Problem
from scopes.models import ApiKey, Source
from scopes.models.api_key import digest_of, new_secret, written
from tests.api.calls import call, key_for, problem

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=1)
Permission = ApiKey.Permission


def the_key() -> ApiKey:
    return ApiKey.objects.get()


def test_a_key_says_what_it_may_do(cast: Source) -> None:
    key = key_for(Permission.READ_PEOPLE, sources=(cast,), requests_per_minute=60)

    answer = call("GET", "key", key)

    assert answer.status_code == 200
    assert answer.json() == {  # type: ignore[attr-defined]
        "name": "app",
        "public_id": the_key().public_id,
        "permissions": ["people:read"],
        "sources": ["terra:prod"],
        "requests_per_minute": 60,
        "expires_at": None,
    }


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer sps_", "Bearer sps__", "Bearer sps_x_y", "Bearer \x00", "Bearer é"],
)
def test_without_a_key_nothing_is_answered(authorization: str) -> None:
    answer = call("GET", "key", Authorization=authorization)

    assert problem(answer)[0] == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: key + "x", lambda key: key.replace("sps", "spt")])
def test_a_key_that_differs_by_one_sign_is_none(change: Any) -> None:
    assert problem(call("GET", "key", change(key_for()))) == (401, "key_unknown")


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"revoked_at": timezone.now()}, "key_revoked"), ({"expires_at": timezone.now()}, "key_expired")],
)
def test_a_key_that_is_no_longer_in_force_is_refused(changed: dict[str, Any], code: str) -> None:
    key = key_for(**changed)
    assert problem(call("GET", "key", key)) == (401, code)


def test_while_a_key_is_replaced_both_secrets_work_until_the_previous_one_ends() -> None:
    old = key_for()
    secret, row = new_secret(), the_key()
    row.previous_digest, row.digest = row.digest, digest_of(secret)
    row.previous_until = timezone.now() + LATER
    row.save()
    new = written(row.public_id, secret)
    assert [call("GET", "key", key).status_code for key in (old, new)] == [200, 200]

    ApiKey.objects.update(previous_until=timezone.now())

    assert [call("GET", "key", key).status_code for key in (old, new)] == [401, 200]


def test_beyond_its_limit_a_key_waits() -> None:
    key = key_for(requests_per_minute=1)
    assert call("GET", "key", key).status_code == 200

    answer = call("GET", "key", key)

    assert problem(answer) == (429, "too_many_calls")
    assert answer["Retry-After"] == "60"


def test_the_last_use_is_shown_to_the_minute() -> None:
    key = key_for()
    call("GET", "key", key)
    first = the_key().last_used_at
    assert first is not None
    call("GET", "key", key)
    assert the_key().last_used_at == first
    ApiKey.objects.update(last_used_at=first - LATER)
    call("GET", "key", key)
    assert the_key().last_used_at > first  # type: ignore[operator]


def test_a_source_that_a_key_is_not_for_is_as_if_there_were_none(cast: Source) -> None:
    other = Source.objects.create(key="host:other", kind="host", name="other")
    key_for(sources=(cast,))
    assert source_of(the_key(), None) == source_of(the_key(), "terra:prod") == cast
    for name in ("host:other", "host:none"):
        with pytest.raises(Problem, match="source_unknown"):
            source_of(the_key(), name)
    the_key().sources.add(other)
    with pytest.raises(Problem, match="source_missing"):
        source_of(the_key(), None)


def test_a_source_that_is_set_up_is_recorded_when_a_key_for_all_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_SOURCES", "app")
    key_for()
    assert source_of(the_key(), "host:app") == Source.objects.get(key="host:app", production=True)
    the_key().sources.add(Source.objects.create(kind="host", name="other"))
    Source.objects.filter(key="host:app").delete()
    with pytest.raises(Problem, match="source_unknown"):
        source_of(the_key(), "host:app")
