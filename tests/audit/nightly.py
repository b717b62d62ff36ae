"""A nightly run of the cast's account."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from scopes import nightly
from scopes.models import AuditRun
from scopes.sources.gateway import Gateway
from tests import cast as people


def run(*gateways: Gateway, days: int = 0) -> AuditRun:
    seconds = count()
    return nightly.run(
        gateways,
        offline=not gateways,
        clock=lambda: people.NOW + timedelta(days=days, seconds=next(seconds)),
        on_page=lambda _users: None,
    )
