"""What engineers do with endpoints: make, rotate the secret, disable and enable, test, and send failed events again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError

from scopes.models import Endpoint, OutboxEvent, Sending, Source
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.outbox import event_types, signing
from scopes.outbox.address import target_of
from scopes.outbox.writing import RETRIED, send_soon

OVERLAP = timedelta(days=1)  # for which the secret before still signs, once it is rotated


class EndpointRefused(Exception):
    """The endpoint cannot be made or changed like this. The message says why."""


def make(
    name: str,
    url: str,
    act: Act,
    key: bytes,
    now: datetime,
    *,
    types: Iterable[str] = (),
    sources: Iterable[Source] = (),
    loopback: bool = False,
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises EndpointRefused, AddressRefused.

    Without `types` or `sources` it wants all of them. `key` is the first of `signing.keys_from`.
    """
    target_of(url, loopback=loopback)
    wanted = [one for one in event_types.TYPES if one in set(types)]
    try:
        made = _create(name, url, wanted, sources, act, now)
    except IntegrityError:
        raise EndpointRefused(f"There is an endpoint with the name {name} already.") from None
    return made, signing.secret_of(made, key)


@in_transaction
def _create(name: str, url: str, types: Sequence[str], sources: Iterable[Source], act: Act, now: datetime) -> Endpoint:
    made = Endpoint.objects.create(name=name, url=url, types=list(types), created_at=now, created_by=act.name)
    made.sources.set(sources)
    _entry("endpoint.made", made, act, now, url=url, types=list(types))
    return made


@in_transaction
def rotate(pk: int, act: Act, key: bytes, now: datetime) -> str:
    """Give the endpoint another secret, which is shown this once; for a day, the one before signs as well.

    Raises EndpointRefused while that day lasts.
    """
    endpoint = _locked(pk)
    if endpoint.previous_until is not None and endpoint.previous_until > now:
        raise EndpointRefused("Its secret was rotated less than a day ago: the one before still signs.")
    endpoint.generation += 1
    endpoint.previous_until = now + OVERLAP
    endpoint.save(update_fields=["generation", "previous_until"])
    _entry("endpoint.secret_rotated", endpoint, act, now, until=endpoint.previous_until.isoformat())
    return signing.secret_of(endpoint, key)


@in_transaction
def disable(pk: int, act: Act, now: datetime) -> None:
    """Send nothing more to the endpoint, and make no more sendings for it. Raises EndpointRefused."""
    endpoint = _locked(pk)
    if endpoint.state == Endpoint.State.DISABLED:
        raise EndpointRefused("It is disabled already.")
    endpoint.state = Endpoint.State.DISABLED
    endpoint.save(update_fields=["state"])
    _entry("endpoint.disabled", endpoint, act, now)


@in_transaction
def enable(pk: int, act: Act, now: datetime) -> None:
    """Send to the endpoint again, first what still waits for it. Raises EndpointRefused."""
    endpoint = _locked(pk)
    if endpoint.state == Endpoint.State.ENABLED:
        raise EndpointRefused("It is enabled already.")
    endpoint.state, endpoint.failures = Endpoint.State.ENABLED, 0
    endpoint.failing_since = endpoint.paused_until = None
    endpoint.save(update_fields=["state", "failures", "failing_since", "paused_until"])
    _entry("endpoint.enabled", endpoint, act, now)
    send_soon()


@in_transaction
def send_test(pk: int, act: Act, now: datetime) -> Sending:
    """Write an event to this endpoint alone, to see whether it arrives. Raises EndpointRefused."""
    endpoint = _locked(pk)
    if endpoint.state == Endpoint.State.DISABLED:
        raise EndpointRefused("It is disabled. Enable it first.")
    body = {"type": event_types.TEST, "timestamp": now.isoformat(), "data": {"endpoint": endpoint.name}}
    key = f"test:{endpoint.pk}"
    event = OutboxEvent.objects.create(type=event_types.TEST, ordering_key=key, body=body, made_at=now)
    sending = Sending.objects.create(
        event=event, endpoint=endpoint, ordering_key=key, next_at=now, give_up_at=now + RETRIED
    )
    _entry("endpoint.tested", endpoint, act, now)
    send_soon()
    return sending


@in_transaction
def replay(pk: int, act: Act, now: datetime, *, only: int | None = None) -> int:
    """Send what failed at this endpoint again, or `only` this one; how many. Raises EndpointRefused.

    The pause of the endpoint ends. A replayed event arrives after later ones that were delivered before.
    """
    endpoint = _locked(pk)
    if endpoint.state == Endpoint.State.DISABLED:
        raise EndpointRefused("It is disabled. Enable it first.")
    failed = Sending.objects.filter(endpoint=endpoint, state=Sending.State.FAILED)
    if only is not None:
        failed = failed.filter(pk=only)
    again = failed.update(state=Sending.State.WAITING, ended_at=None, next_at=now, give_up_at=now + RETRIED, attempts=0)
    if not again:
        raise EndpointRefused("There is nothing that failed.")
    endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None
    endpoint.save(update_fields=["failures", "failing_since", "paused_until"])
    _entry("endpoint.replayed", endpoint, act, now, sendings=again)
    send_soon()
    return again


def _locked(pk: int) -> Endpoint:
    return Endpoint.objects.select_for_update(no_key=True).get(pk=pk)


def _entry(verb: str, endpoint: Endpoint, act: Act, now: datetime, **detail: Any) -> None:
    act.entry(verb, now, subject=endpoint.name, detail={"endpoint": endpoint.pk, **detail}).save()
