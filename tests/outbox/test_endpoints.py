"""What engineers do with endpoints, each act with its entry in the activity log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.models import Endpoint, Sending, TrailEntry
from scopes.outbox import endpoints
from scopes.outbox.address import AddressRefused
from scopes.outbox.endpoints import EndpointRefused
from scopes.outbox.writing import NewEvent, write
from tests import cast
from tests.outbox.receiving import ACT, KEYS, endpoint, receiver, send

pytestmark = pytest.mark.django_db

LATER = cast.NOW + timedelta(days=40)


def log() -> list[str]:
    return list(TrailEntry.objects.order_by("pk").values_list("verb", flat=True))


def test_an_endpoint_is_made_with_what_it_wants_and_a_name_is_given_once() -> None:
    made, secret = endpoints.make(
        "host", "https://host.example/hook", ACT, KEYS[0], cast.NOW, types=["audit.finished", "made.up"],
        sources=[cast.terra()],
    )  # fmt: skip
    assert secret.startswith("whsec_")
    assert (made.types, list(made.sources.all()), made.created_by) == (["audit.finished"], [cast.terra()], "Pat")
    with pytest.raises(EndpointRefused, match="already"):
        endpoint("host")
    assert log() == ["endpoint.made"]


@pytest.mark.parametrize("url", ["http://host.example/", "https://10.0.0.1/", "https://[::1]/"])
def test_an_address_inside_is_refused_when_the_endpoint_is_made(url: str) -> None:
    with pytest.raises(AddressRefused):
        endpoints.make("host", url, ACT, KEYS[0], cast.NOW)
    assert not Endpoint.objects.exists()


def test_a_secret_is_rotated_at_most_once_a_day() -> None:
    to, first = endpoints.make("host", "https://host.example/", ACT, KEYS[0], cast.NOW)
    second = endpoints.rotate(to.pk, ACT, KEYS[0], cast.NOW)
    with pytest.raises(EndpointRefused, match="still signs"):
        endpoints.rotate(to.pk, ACT, KEYS[0], cast.NOW + timedelta(hours=23))
    third = endpoints.rotate(to.pk, ACT, KEYS[0], cast.NOW + timedelta(hours=24))
    assert len({first, second, third}) == 3
    assert log() == ["endpoint.made", "endpoint.secret_rotated", "endpoint.secret_rotated"]


def test_what_waits_is_sent_once_the_endpoint_is_enabled_again() -> None:
    with receiver() as found:
        to = endpoint(url=found.url)
        write([NewEvent("audit.finished", "audit", {})], cast.NOW)
        endpoints.disable(to.pk, ACT, cast.NOW)
        send(to)
        assert not found.arrived
        with pytest.raises(EndpointRefused):
            endpoints.disable(to.pk, ACT, cast.NOW)

        endpoints.enable(to.pk, ACT, cast.NOW)
        send(to)
        assert len(found.arrived) == 1
    with pytest.raises(EndpointRefused):
        endpoints.enable(to.pk, ACT, cast.NOW)
    assert log() == ["endpoint.made", "endpoint.disabled", "endpoint.enabled"]


def test_a_test_goes_to_this_endpoint_alone() -> None:
    with receiver() as found:
        to = endpoint(url=found.url, types=["audit.finished"])
        endpoint("other")
        sending = endpoints.send_test(to.pk, ACT, cast.NOW)
        send(to)
        assert b'"endpoint.test"' in found.arrived[0][1]
    sending.refresh_from_db()
    assert (sending.state, Sending.objects.count()) == ("delivered", 1)
    endpoints.disable(to.pk, ACT, cast.NOW)
    with pytest.raises(EndpointRefused, match="Enable"):
        endpoints.send_test(to.pk, ACT, cast.NOW)


def test_what_failed_is_sent_again_all_or_one_of_it() -> None:
    with receiver() as found:
        found.status = 500
        to, other = endpoint(url=found.url), endpoint("other", found.url)
        write([NewEvent("audit.finished", str(number), {}) for number in range(3)], cast.NOW)
        send(to, LATER)
        send(other, LATER)
        found.status = 200
        found.arrived.clear()
        one = Sending.objects.filter(endpoint=to, state="failed").order_by("pk")[0]

        assert endpoints.replay(to.pk, ACT, LATER, only=one.pk) == 1
        send(to, LATER)
        assert len(found.arrived) == 1
        assert endpoints.replay(to.pk, ACT, LATER) == 2
        send(to, LATER)

    assert len(found.arrived) == 3
    assert Sending.objects.filter(endpoint=other, state="failed").count() == 3
    with pytest.raises(EndpointRefused, match="nothing that failed"):
        endpoints.replay(to.pk, ACT, LATER)
    assert TrailEntry.objects.filter(verb="endpoint.replayed").count() == 2
