"""The bar of an integration is filled by its healths."""

from __future__ import annotations

from scopes.admin.healths import IntegrationHealth


def test_the_parts_of_a_bar_fill_it() -> None:
    bar = IntegrationHealth(1, "Oura", "terra:prod", production=True, counts={"ok": 1, "blocked": 1, "unknown": 1})
    assert [(share.health, share.start, share.width) for share in bar.shares] == [
        ("ok", 0, 333.33), ("blocked", 333.33, 333.33), ("unknown", 666.67, 333.33),
    ]  # fmt: skip
