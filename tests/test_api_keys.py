"""Keys are made, rotated and revoked; what is stored and logged holds no secret."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from scopes import api_keys
from scopes.api_keys import KeyEnded, KeyState, Made, NewKey
from scopes.models import ApiKey, Source, TrailEntry
from tests.api.calls import call
from tests.reauth.hands import act

pytestmark = pytest.mark.django_db

READ = ApiKey.Permission.READ_PEOPLE


def made(sources: tuple[Source, ...] = (), expires_at: datetime | None = None) -> Made:
    return api_keys.make(NewKey("shop", [READ], sources, 60_000, expires_at), act("For the shop."), timezone.now())


def works(whole: str) -> bool:
    return call("GET", "key", whole).status_code == 200


def test_a_new_key_is_what_was_wanted_and_stored_as_a_digest(cast: Source) -> None:
    new = made((cast,))
    answer = call("GET", "key", new.whole).json()  # type: ignore[attr-defined]
    assert (answer["name"], answer["permissions"], answer["sources"]) == ("shop", ["people:read"], ["terra:prod"])
    secret = new.whole.split("_", 2)[2]
    assert secret not in str(list(ApiKey.objects.values())) + str(list(TrailEntry.objects.values())) + repr(new)
    entry = TrailEntry.objects.get(verb="api_key.made")
    assert (entry.actor_name, entry.reason, entry.subject) == ("rex", "For the shop.", f"shop ({new.key.public_id})")
    assert entry.detail["sources"] == ["terra:prod"]


def test_after_a_rotation_the_secret_before_works_for_a_day_and_the_one_before_that_no_longer() -> None:
    first = made()
    second = api_keys.rotate(first.key, act(), timezone.now())
    assert (works(first.whole), works(second.whole)) == (True, True)
    third = api_keys.rotate(first.key, act(), timezone.now())
    assert [works(one.whole) for one in (first, second, third)] == [False, True, True]
    until = ApiKey.objects.get().previous_until
    assert until is not None
    assert abs(until - timezone.now() - timedelta(hours=24)) < timedelta(minutes=1)
    assert TrailEntry.objects.filter(verb="api_key.rotated").count() == 2


def test_a_revoked_key_is_refused_with_each_of_its_secrets() -> None:
    first = made()
    second = api_keys.rotate(first.key, act(), timezone.now())
    api_keys.revoke(first.key, act(), timezone.now())
    assert (works(first.whole), works(second.whole)) == (False, False)
    assert TrailEntry.objects.filter(verb="api_key.revoked").exists()


@pytest.mark.parametrize("do", [api_keys.rotate, api_keys.revoke])
def test_a_key_that_has_ended_is_not_changed(do: object) -> None:
    assert callable(do)
    expired = made(expires_at=timezone.now() + timedelta(hours=1)).key
    with pytest.raises(KeyEnded, match="expired"):
        do(expired, act(), timezone.now() + timedelta(hours=2))
    api_keys.revoke(expired, act(), timezone.now())
    with pytest.raises(KeyEnded, match="revoked"):
        do(expired, act(), timezone.now())
    assert api_keys.state_of(ApiKey.objects.get(), timezone.now()) is KeyState.REVOKED
