"""An address is recognised by its hash, also by that of an earlier key, and by nobody without a key."""

from __future__ import annotations

from scopes.channels.addresses import digests_of, keys_from


def test_an_address_is_recognised_in_any_case_and_under_an_earlier_key() -> None:
    before, after = keys_from("old"), keys_from("new", "old")
    (stored,) = digests_of("ben@example.com", before)

    assert len(stored) == 64 and stored in digests_of(" Ben@Example.com", after)
    assert stored != digests_of("ben@example.com", after)[0] and stored not in digests_of("ben@example.org", after)
