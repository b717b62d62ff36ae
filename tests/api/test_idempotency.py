"""A POST with an `Idempotency-Key` is done once, whoever repeats it and however it ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from scopes.api import idempotency
from scopes.api.problems import Problem
from scopes.models import ApiCall, ApiKey
from scopes.sync import retention
from tests.api.calls import key_for

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def key() -> ApiKey:
    key_for()
    return ApiKey.objects.get()


def begun(key: ApiKey, name: str = "once", body: str = "{}", now: Any = NOW) -> HttpRequest:
    request = RequestFactory().post(
        "/api/v1/x", body, content_type="application/json", headers={"Idempotency-Key": name}
    )
    idempotency.begin(request, key, now)
    return request


def answered(request: HttpRequest, status: int = 200, body: Any = None) -> None:
    idempotency.end(request, HttpResponse(json.dumps(body or {"done": 1}), status=status))


def code(key: ApiKey, **values: Any) -> str:
    with pytest.raises(Problem) as problem:
        begun(key, **values)
    return problem.value.code


def test_a_repeat_gets_the_first_answer(key: ApiKey) -> None:
    answered(begun(key), 201)

    with pytest.raises(idempotency.Replayed) as replayed:
        begun(key)

    response = replayed.value.response
    assert (response.status_code, json.loads(response.content)) == (201, {"done": 1})
    assert response["Idempotent-Replayed"] == "true"


def test_another_call_under_the_same_key_is_refused(key: ApiKey) -> None:
    answered(begun(key))
    assert code(key, body='{"a": 1}') == "idempotency_key_reused"


def test_of_two_at_once_one_is_done(key: ApiKey) -> None:
    begun(key)
    assert code(key) == "call_in_progress"


def test_one_that_was_cut_off_is_done_again(key: ApiKey) -> None:
    begun(key)
    answered(begun(key, now=NOW + timedelta(minutes=1)))
    assert ApiCall.objects.get().status == 200


def test_after_an_error_the_same_key_tries_again(key: ApiKey) -> None:
    answered(begun(key), 503)
    answered(begun(key))
    assert ApiCall.objects.get().status == 200


def test_an_answer_with_a_secret_is_not_stored(key: ApiKey) -> None:
    request = begun(key)
    idempotency.keep_secret(request)
    answered(request, body={"address": "https://secret"})
    assert ApiCall.objects.get().body is None
    assert code(key) == "answer_not_stored"


def test_another_key_has_calls_of_its_own(key: ApiKey) -> None:
    answered(begun(key))
    key_for()
    answered(begun(ApiKey.objects.latest("pk")))
    assert ApiCall.objects.count() == 2


@pytest.mark.parametrize("name", ["", "x" * 256, "\x7f", "a\tb"])
def test_a_name_that_cannot_be_one_is_refused(key: ApiKey, name: str) -> None:
    assert code(key, name=name) == "idempotency_key_invalid"


def test_after_a_day_it_is_forgotten(key: ApiKey) -> None:
    answered(begun(key))
    assert retention.delete_old_calls(NOW + timedelta(hours=23)) == 0
    answered(begun(key, now=NOW + timedelta(days=1)))
    assert retention.delete_old_calls(NOW + timedelta(days=2, seconds=1)) == 1
