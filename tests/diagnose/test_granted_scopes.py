"""What a text says is granted, so that it is not named as missing."""

from __future__ import annotations

import pytest

from scopes.diagnose.granted_scopes import granted

TEXTS: dict[str, set[str]] = {
    '{"ok":false,"error":"missing_scope","needed":"channels:read","provided":"identify,bot"}': {"identify", "bot"},
    "Required scopes: read:sleep. Granted scopes: read:profile": {"read:profile"},
    "Token has scopes: [read], required: [write:all]": {"read"},
    "User did not grant the required scopes: [masked]": set(),
    "these required scopes not were granted: SCOPES.": set(),
    "Missing scope(s): read:sleep, read:recovery.": set(),
    "The user has not granted: read:sleep": set(),
}


@pytest.mark.parametrize(("text", "scopes"), TEXTS.items())
def test_what_is_granted_is_read_and_what_is_denied_is_not(text: str, scopes: set[str]) -> None:
    assert granted(text) == scopes
