"""An erasure as the tests make it."""

from __future__ import annotations

from scopes.models.trail import Act
from scopes.rights.erase import erase
from scopes.rights.erased_ids import keys_from
from tests.reauth.hands import rex
from tests.rights.lives import NOW

KEYS = keys_from("a secret")


def erased(reference: str = "ref-ben", reason: str = "Asked by letter from Ben Bitdiddle.") -> dict[str, int]:
    return erase(reference, Act(rex(), reason, "T-12"), KEYS, NOW)
