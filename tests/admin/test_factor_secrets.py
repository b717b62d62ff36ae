"""Secrets of second factors are encrypted in the database, and unreadable ones let no one in."""

from __future__ import annotations

import pytest
from django.test import override_settings

from scopes.admin.factor_secrets import decrypt, encrypt

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_a_secret_is_encrypted_anew_each_time_and_read_back() -> None:
    first, second = encrypt(SECRET), encrypt(SECRET)
    assert first != second and SECRET not in first
    assert decrypt(first) == decrypt(second) == SECRET


def test_an_earlier_key_still_reads_it_and_a_forgotten_one_gives_a_random_secret() -> None:
    with override_settings(SECRET_KEY="the key before", SECRET_KEY_FALLBACKS=[]):
        before = encrypt(SECRET)
    with override_settings(SECRET_KEY_FALLBACKS=["the key before"]):
        assert decrypt(before) == SECRET
    assert decrypt(before) != SECRET and decrypt(before) != decrypt(before)


@pytest.mark.parametrize("spoilt", ["", "no key", "abc:def", "{}A", "{}"])
def test_what_was_changed_in_the_database_reads_as_a_random_secret(spoilt: str) -> None:
    sealed = encrypt(SECRET)
    changed = spoilt.format(sealed[:-8])
    assert decrypt(changed) not in (SECRET, "")
