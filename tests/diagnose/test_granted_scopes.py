"""What a text says is granted."""

from __future__ import annotations

import pytest

from tests.diagnose.samples import said

NAMED = {
    '{"ok":false,"error":"missing_scope","needed":"channels:read","provided":"identify,bot"}': ["channels:read"],
    '{"error":"insufficient_scope","scope":"api","state":"xyz"}': ["api"],
    '{"error":"insufficient_scope","scope":"ap': [],
    "Missing scope(s): read:sleep, read:recovery.": ["read:sleep", "read:recovery"],
    "The token lacks the scopes 'read:a', 'read:b' or 'read:c'": ["read:a", "read:b", "read:c"],
    "Required scopes: read:sleep. Granted scopes: read:profile": ["read:sleep"],
    "Token has scopes: [read], required: [write:all]": ["write:all"],
    "scope email is required": ["email"],
    "Missing scope: please check your settings": [],
    "missing required oauth scope. Is there a way to fix this?": [],
    "these required scopes not were granted: SCOPES.": [],
    "invalid_scope: Bad Request": [],
    "Insufficient scope: authorized scope is insufficient": [],
    "User did not grant the required scopes: [masked]": [],
    'Scope has changed from "read,read_all" to "read".': ["read_all"],
    "Some requested scopes were invalid. {valid=[openid], invalid=[drive.file, a, b]}": ["drive.file"],
    "Unsupported scope value(s): {'view_private,write'}": [],
    "Unsupported scope value(s): {'view_private', 'write'}": ["view_private", "write"],
    "AADSTS70011: The scope user.read Mail.Send openid is not valid.": ["user.read", "Mail.Send", "openid"],
}


@pytest.mark.parametrize("text", [text for text in NAMED if "anted" in text or "provided" in text])
def test_what_is_granted_is_never_named_as_missing(text: str) -> None:
    assert "read:profile" not in said(text).scopes
    assert "identify" not in said(text).scopes
