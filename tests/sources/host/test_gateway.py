"""A host application is led to, and asked nothing."""

from __future__ import annotations

import pytest

from scopes.sources import registry
from scopes.sources.errors import NotConfigured, Unsupported
from scopes.sources.host.environment import Host
from scopes.sources.host.gateway import HostGateway
from tests.cast import NOW
from tests.sources.host.application import HOST, SECRET, opened, request_in, wish

KIND = registry.KINDS["host"]


def test_it_begins_a_consent_in_its_own_name() -> None:
    gateway = HostGateway(KIND, HOST)
    assert gateway.with_rate_limiter(lambda _patience: None) is gateway
    assert opened(request_in(gateway.begin_consent(wish()).url), SECRET)["iss"] == gateway.key == "host:app"


def test_only_a_page_on_this_machine_may_be_unencrypted() -> None:
    local = Host("app", "http://127.0.0.1:8100/connect", (SECRET,))
    assert HostGateway(KIND, local).insecure_origin == "http://127.0.0.1:8100"
    assert HostGateway(KIND, HOST).insecure_origin == ""


def test_without_a_page_no_consent_begins() -> None:
    with pytest.raises(NotConfigured, match="HOST_APP_LINK_URL is not set"):
        HostGateway(KIND, Host("app")).begin_consent(wish())


def test_it_is_asked_nothing() -> None:
    gateway = HostGateway(KIND, HOST)
    for question in (
        lambda: gateway.connections(0, lambda: NOW),
        lambda: gateway.look_up("c-1", NOW),
        lambda: gateway.probe("c-1"),
        lambda: gateway.revoke("c-1"),
        lambda: gateway.check_event({}),
    ):
        with pytest.raises(Unsupported):
            question()
