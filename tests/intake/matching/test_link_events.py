"""What is reported about the link of an id is stored once, and its last use and account only as the newest."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from scopes.facts import Fact, LinkChanged, LinkState, Origin, OriginKind
from scopes.models import LinkEvent, Source
from tests.cast import BY_WEBHOOK, NOW, take_in
from tests.intake.matching.ids import AGAIN, AUTH, REPLACED, seen

pytestmark = pytest.mark.django_db

LISTING = Origin("terra:prod", OriginKind.LISTING, "listing:1")
DAY = timedelta(days=1)


def events(user_id: str) -> list[tuple[str, datetime]]:
    rows = LinkEvent.objects.filter(user_id=user_id, happened_at__gte=AGAIN)
    return list(rows.order_by("happened_at", "what").values_list("what", "happened_at"))


def test_a_consent_a_replacement_and_a_state_are_each_stored_once(cast: Source) -> None:
    broken = LinkChanged("oura", "cy-new", LinkState.TOKEN_REJECTED, AGAIN + DAY)
    for _ in range(2):
        take_in(AUTH, REPLACED, broken)

    assert events("cy-new") == [("consented", AGAIN), ("replaced", AGAIN), ("token_rejected", AGAIN + DAY)]
    assert LinkEvent.objects.get(what=LinkEvent.REPLACED).old_user_id == "cy-oura"


def test_of_uses_and_accounts_only_the_newest_is_stored_in_whatever_order(cast: Source) -> None:
    for days, account in ((2, "a ring"), (5, "another"), (3, "a ring")):
        take_in(seen("ada-oura", AGAIN + days * DAY, active=True, provider_user_id=account))

    assert events("ada-oura") == [("account", AGAIN + 5 * DAY), ("seen", AGAIN + 5 * DAY)]
    assert LinkEvent.objects.get(what=LinkEvent.ACCOUNT).provider_user_id == "another"


@pytest.mark.parametrize(
    ("fact", "origin", "stored"),
    [
        (seen("ada-oura", NOW, active=True, scopes=("email",)), BY_WEBHOOK, ["seen"]),
        (seen("ada-oura", NOW, active=True, scopes=("email",)), LISTING, []),
        (seen("cy-oura", NOW, active=True), LISTING, ["seen"]),
        (seen("ada-oura", NOW, active=True, scopes=("email",), last_data_on=NOW.date()), BY_WEBHOOK, []),
        (seen("ada-oura", NOW, scopes=("email",)), BY_WEBHOOK, []),
        (seen("ada-oura", NOW, active=False), LISTING, ["inactive"]),
    ],
    ids=["webhook", "listing", "listing of an ended link", "the pulse stores days", "not said", "inactive"],
)
def test_a_listing_that_shows_an_id_in_use_is_an_event_only_where_its_link_had_ended(
    cast: Source, fact: Fact, origin: Origin, stored: list[str]
) -> None:
    take_in(fact, origin=origin)

    assert [what for what, _ in events(fact.user_id or "")] == stored
