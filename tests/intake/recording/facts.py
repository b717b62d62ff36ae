"""Facts about the cast, a day or more after their consents."""

from __future__ import annotations

from datetime import timedelta

from scopes.facts import ConnectionSeen, LinkChanged, LinkState
from tests.cast import CONSENTED

LATER = CONSENTED + timedelta(days=1)


def seen(name: str = "ada", at: float = 1, **more: object) -> ConnectionSeen:
    return ConnectionSeen("oura", f"{name}-oura", CONSENTED + timedelta(days=at), **more)  # type: ignore[arg-type]


def revoked(name: str, at: float) -> LinkChanged:
    return LinkChanged("oura", f"{name}-oura", LinkState.REVOKED, CONSENTED + timedelta(days=at))
