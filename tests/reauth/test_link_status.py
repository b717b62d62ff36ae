"""A link can be used until it fixed what it was for, was withdrawn or superseded, or expired."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scopes.models import ReauthLink, Source
from scopes.reauth.link_status import LinkStatus, live_links, status_of
from tests.cast import the
from tests.reauth.hands import NOW, send

LAST = NOW + timedelta(days=7)
FIXED: dict[str, Any] = {"outcome": "fixed"}
WITHDRAWN: dict[str, Any] = {"withdrawn_at": NOW}
SUPERSEDED: dict[str, Any] = {"superseded_by_id": 7}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, LinkStatus.LIVE),
        ({"outcome": "failed"}, LinkStatus.LIVE),
        ({"outcome": "unchanged"}, LinkStatus.LIVE),
        (FIXED, LinkStatus.FIXED),
        (WITHDRAWN, LinkStatus.WITHDRAWN),
        (SUPERSEDED, LinkStatus.SUPERSEDED),
        (SUPERSEDED | WITHDRAWN, LinkStatus.WITHDRAWN),
        (SUPERSEDED | WITHDRAWN | FIXED, LinkStatus.FIXED),
    ],
)
def test_a_link_stays_live_until_something_ends_it(fields: dict[str, Any], status: LinkStatus) -> None:
    assert status_of(ReauthLink(expires_at=LAST, **fields), NOW) is status


def test_a_link_expires_at_its_last_moment_unless_something_ended_it_before() -> None:
    assert status_of(ReauthLink(expires_at=LAST), LAST - timedelta(seconds=1)) is LinkStatus.LIVE
    assert status_of(ReauthLink(expires_at=LAST), LAST) is LinkStatus.EXPIRED
    assert status_of(ReauthLink(expires_at=LAST, **FIXED), LAST) is LinkStatus.FIXED


def test_a_newer_link_ends_the_earlier_one(cast: Source) -> None:
    first, second = send(the("ben")).link, send(the("ben")).link
    first.refresh_from_db()
    assert first.superseded_by == second
    assert status_of(first, NOW) is LinkStatus.SUPERSEDED
    assert list(live_links(NOW)) == [second]
