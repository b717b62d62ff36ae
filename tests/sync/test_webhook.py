"""A proved event is stored before any work and once, and what cannot be read is named without its values."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from scopes.models import Delivery, Source
from scopes.sources import registry
from scopes.sources.events import EventProof
from scopes.sync.body import Body
from scopes.sync.webhook import KEPT, TOO_OLD, store, words_of
from tests.cast import NOW
from tests.sources.terra.conftest import event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "prod")
    for name, value in {"DEV_ID": "dev", "API_KEY": "key", "SIGNING_SECRETS": "secret"}.items():
        monkeypatch.setenv(f"TERRA_PROD_{name}", value)


def stored(content: bytes, signed_at: datetime = NOW, happened_at: datetime = NOW, trace_id: str | None = "one") -> int:
    with Body(content) as body:
        proof = EventProof(signed_at, happened_at, trace_id)
        return store(registry.gateway("terra", "prod"), body, proof, stale_after=timedelta(minutes=5), now=NOW)


AUTH, REVOKED = (json.dumps(event(name)).encode() for name in ("auth", "access_revoked"))


def test_an_event_is_stored_and_waits_to_be_processed() -> None:
    delivery = Delivery.objects.get(pk=stored(AUTH, happened_at=NOW - timedelta(minutes=1)))

    assert (delivery.kind, delivery.processed_at, delivery.stale) == ("auth", None, False)
    assert (delivery.source, delivery.ordered_at) == (Source.objects.get(), NOW - timedelta(minutes=1))


@pytest.mark.parametrize("trace_id", ["one", None])
def test_a_repeat_is_the_earlier_one_and_counted(trace_id: str | None) -> None:
    assert stored(AUTH, trace_id=trace_id) == stored(AUTH, trace_id=trace_id)
    assert Delivery.objects.get().repeats == 1


def test_a_trace_id_proves_no_repeat_of_another_body() -> None:
    first, second = stored(AUTH), stored(REVOKED)

    assert first != second == stored(REVOKED)
    assert dict(Delivery.objects.values_list("pk", "trace_reused")) == {first: False, second: True}


def test_an_event_that_happened_tomorrow_happened_at_most_five_minutes_from_now() -> None:
    delivery = Delivery.objects.get(pk=stored(AUTH, happened_at=NOW + timedelta(days=1)))

    assert delivery.ordered_at == NOW + timedelta(minutes=5)


def test_what_was_signed_when_no_repeat_is_known_any_more_is_not_kept() -> None:
    delivery = Delivery.objects.get(pk=stored(AUTH, signed_at=NOW - KEPT - timedelta(seconds=1)))

    assert (delivery.body, delivery.error, delivery.processed_at) == (None, TOO_OLD, NOW)
    assert delivery.stale


def test_a_body_that_is_no_event_is_stored_without_it() -> None:
    delivery = Delivery.objects.get(pk=stored(b"{"))

    assert (delivery.kind, delivery.body, delivery.processed_at) == ("unreadable", None, NOW)
    assert delivery.error.startswith("The body is no event, and was not kept. JSONDecodeError: ")


def test_the_words_of_a_problem_have_neither_an_address_nor_the_values_of_a_row() -> None:
    problem = ValueError("no room for ada@example.com\nDETAIL: Failing row contains (secret).")

    words = words_of(problem)
    assert words.startswith("ValueError: no room for ")
    assert "ada@" not in words and "secret" not in words
