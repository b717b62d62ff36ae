"""What a walk remembers."""

from __future__ import annotations

from scopes.sync.walk import Seen


def test_the_bitmap_remembers_exactly_what_was_added() -> None:
    seen = Seen()
    for pk in (1, 8, 70_000):
        seen.add(pk)

    again = Seen(bytes(seen.bits))
    contained = [pk for pk in range(70_010) if pk >> 3 < len(again.bits) and again.bits[pk >> 3] & (1 << (pk & 7))]

    assert contained == [1, 8, 70_000]
