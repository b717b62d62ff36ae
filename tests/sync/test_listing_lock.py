"""One process at a time takes a listing, and others can see that it does."""

from __future__ import annotations

import pytest
from django.db import connection

from scopes.models import Source
from scopes.sync import listing_lock


@pytest.mark.django_db(transaction=True)
def test_a_listing_is_taken_by_one_session_and_is_free_after_it() -> None:
    source, another = (Source.objects.create(kind="terra", name=name) for name in ("one", "another"))
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [listing_lock.LOCK, source.pk])
        assert listing_lock.is_held(source.pk) and not listing_lock.is_held(another.pk)
        with pytest.raises(listing_lock.AlreadyListing, match="is listing terra:one"), listing_lock.held(source):
            pass
        with listing_lock.held(another):
            assert listing_lock.is_held(another.pk)
    finally:
        other.close()
    assert not listing_lock.is_held(another.pk)
