"""What a consent brings is kept encrypted; tokens are leased once at a time; only the newest refresh token counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from scopes.catalogue.oauth import OAuth, Rotates
from scopes.models import Token, TrailEntry
from scopes.sources.errors import NotConfigured
from scopes.sources.oauth2 import leases, tokens, vault
from scopes.sources.oauth2.answers import TokenAnswer
from scopes.sources.oauth2.leases import Outcome
from tests.concurrently import at_once, in_another_session
from tests.sources.oauth2 import holding
from tests.sources.oauth2.holding import HOUR, connected, held, oauth
from tests.sources.oauth2.keys import NEW, OLD, VARIABLE

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
LATER = NOW + timedelta(minutes=56)
KEPT = Token.GrantedIn.TOKEN_RESPONSE


def opened(row: Token) -> tuple[str | None, str | None]:
    """Both tokens as they are stored now."""
    row.refresh_from_db()
    access = vault.open_(row.pk, "access", row.access) if row.access is not None else None
    return access, vault.open_(row.pk, "refresh", row.refresh) if row.refresh is not None else None


def consent_again(row: Token, answer: TokenAnswer, now: datetime, how: OAuth | None = None) -> None:
    tokens.store(row.pk, answer, requested=["daily"], granted_in=KEPT, oauth=how or oauth(), now=now)
    row.refresh_from_db()


def missing() -> list[TrailEntry]:
    return list(TrailEntry.objects.filter(verb=tokens.NO_REFRESH_TOKEN))


def claim(most: int = 10, now: datetime = LATER) -> list[leases.Claimed]:
    return leases.claim_due("oauth2", "acme", most, now)


class TestWhatAConsentBrings:
    def test_it_is_kept_encrypted_with_its_times(self) -> None:
        row = held("ada", NOW, oauth())
        assert opened(row) == ("access-1-of-ada", "refresh-1-of-ada")
        assert (row.key_id, row.requested, row.granted_in) == ("old", list(holding.SCOPES), KEPT)
        assert (row.obtained_at, row.asked_at, row.refreshed_at) == (NOW, NOW, None)
        assert row.access_expires_at == NOW + timedelta(hours=1)
        assert row.refresh_at == NOW + timedelta(minutes=55)

    def test_the_database_holds_neither_token(self) -> None:
        held("ada", NOW, oauth())
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT scopes_token::text, encode(access, 'escape'), encode(refresh, 'escape') FROM scopes_token"
            )
            (row,) = cursor.fetchall()
        assert not any("access-1" in text or "refresh-1" in text for text in row)

    def test_another_consent_takes_the_place_of_an_earlier_one(self) -> None:
        row = held("ada", NOW, oauth())
        tokens.end(row.pk, NOW)
        consent_again(row, TokenAnswer("access-2", "refresh-2", expires_in=60), LATER)
        assert opened(row) == ("access-2", "refresh-2")
        assert (row.ended_at, row.obtained_at, row.requested) == (None, LATER, ["daily"])

    def test_an_earlier_refresh_token_stays_where_none_came(self) -> None:
        row = held("ada", NOW, oauth())
        consent_again(row, TokenAnswer("access-2", expires_in=HOUR), LATER)
        assert opened(row) == ("access-2", "refresh-1-of-ada")
        assert not missing()

    def test_one_that_may_be_used_up_does_not_stay(self) -> None:
        row = held("ada", NOW, oauth())
        Token.objects.update(uncertain_since=NOW)
        consent_again(row, TokenAnswer("access-2", expires_in=HOUR), LATER)
        assert opened(row) == ("access-2", None) and row.uncertain_since is None

    def test_one_whose_key_is_gone_does_not_stand_in_the_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = held("ada", NOW, oauth())
        monkeypatch.setenv(VARIABLE, NEW)
        consent_again(row, TokenAnswer("access-2", expires_in=HOUR), LATER)
        assert opened(row) == ("access-2", None) and row.key_id == "new"

    def test_both_are_encrypted_by_the_first_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = held("ada", NOW, oauth())
        monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
        consent_again(row, TokenAnswer("access-2", expires_in=HOUR), LATER)
        assert bytes(row.access or b"").startswith(b"new:") and bytes(row.refresh or b"").startswith(b"new:")

    def test_a_missing_refresh_token_is_noted_at_once(self) -> None:
        row = held("ada", NOW, oauth(), refresh=None)
        assert (row.refresh, row.refresh_at) == (None, None)
        (entry,) = missing()
        assert (entry.at, entry.actor_name) == (NOW, "oauth2:acme")
        assert entry.connection_id == row.pk and "ends by itself" in entry.reason

    def test_an_access_token_without_an_end_needs_none(self) -> None:
        row = held("ada", NOW, oauth(), refresh=None, expires_in=None)
        assert (row.access_expires_at, row.refresh_at) == (None, None)
        assert not missing()

    def test_without_a_key_nothing_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = connected("ada", NOW)
        monkeypatch.delenv(VARIABLE)
        with pytest.raises(NotConfigured):
            tokens.store(row.pk, TokenAnswer("a"), requested=(), granted_in=KEPT, oauth=oauth(), now=NOW)
        assert not Token.objects.exists()


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("how", "answer", "access_ends", "refresh_ends", "due"),
    [
        ({}, {"expires_in": 60}, timedelta(seconds=60), None, timedelta(seconds=45)),
        ({}, {"expires_in": 10 * HOUR}, timedelta(hours=10), None, timedelta(minutes=595)),
        ({}, {"expires_in": None}, None, None, None),
        ({}, {"expires_in": 10**15}, timedelta(days=36_500), None, timedelta(days=36_500, minutes=-5)),
        ({"unused_days": 40}, {"expires_in": None}, None, 40 * DAY, 30 * DAY),
        ({"lifetime_days": 40}, {"expires_in": None}, None, 40 * DAY, None),
        ({"lifetime_days": 40, "rotates": Rotates.YES}, {"expires_in": None}, None, 40 * DAY, 30 * DAY),
        ({"lifetime_days": 40, "unused_days": 8}, {"expires_in": None}, None, 8 * DAY, 6 * DAY),
        (
            {"rotates": Rotates.YES},
            {"expires_in": 90 * 24 * HOUR, "refresh_expires_in": 4 * 24 * HOUR},
            90 * DAY,
            4 * DAY,
            3 * DAY,
        ),
    ],
)
def test_they_are_due_before_either_ends(
    how: dict[str, Any],
    answer: dict[str, Any],
    access_ends: timedelta | None,
    refresh_ends: timedelta | None,
    due: timedelta | None,
) -> None:
    row = connected("ada", NOW)
    tokens.store(row.pk, TokenAnswer("a", "r", **answer), requested=(), granted_in=KEPT, oauth=oauth(**how), now=NOW)
    token = Token.objects.get()
    found = (token.access_expires_at, token.refresh_expires_at, token.refresh_at)
    assert found == tuple(NOW + span if span is not None else None for span in (access_ends, refresh_ends, due))


class TestLeases:
    def test_what_is_due_is_leased_once_the_longest_due_first(self) -> None:
        for place, name in enumerate(("ada", "ben", "cy")):
            held(name, NOW - timedelta(seconds=place), oauth())
        held("dee", NOW + timedelta(hours=1), oauth())
        assert [one.user_id for one in claim(2)] == ["cy", "ben"]
        assert [one.user_id for one in claim()] == ["ada"]
        assert claim() == []

    def test_it_says_what_is_recorded_and_shows_no_token(self) -> None:
        held("ada", NOW, oauth())
        (one,) = claim()
        assert (one.provider, one.link, one.reported, one.losses) == ("oura", "active", frozenset(holding.SCOPES), 0)
        assert one.refresh_token() == "refresh-1-of-ada"
        assert "sealed" not in repr(one) and "refresh-1" not in repr(one)

    def test_another_source_is_left_alone(self) -> None:
        held("ada", NOW, oauth())
        assert leases.claim_due("oauth2", "other", 10, LATER) == []
        assert leases.claim_due("terra", "acme", 10, LATER) == []

    def test_after_a_minute_a_lease_was_cut_off(self) -> None:
        row = held("ada", NOW, oauth())
        claim()
        assert claim(now=LATER + timedelta(seconds=59)) == []
        (again,) = claim(now=LATER + timedelta(seconds=61))
        row.refresh_from_db()
        assert (again.losses, again.uncertain_since, row.uncertain_since) == (1, LATER, LATER)
        (third,) = claim(now=LATER + timedelta(seconds=200))
        assert (third.losses, third.uncertain_since) == (2, LATER)

    def test_one_connection_is_leased_before_it_is_due(self) -> None:
        row = held("ada", NOW, oauth())
        assert leases.claim_one("oauth2", "acme", row, NOW) is not None
        assert leases.claim_one("oauth2", "acme", row, NOW) is None

    def test_one_that_was_replaced_since_it_was_read_is_not_leased(self) -> None:
        row = held("ada", NOW, oauth())
        read = Token.objects.get()
        consent_again(row, TokenAnswer("access-2", "refresh-2", expires_in=HOUR), NOW)
        assert leases.claim_one("oauth2", "acme", read, NOW) is None

    def test_without_a_refresh_token_there_is_nothing_to_lease(self) -> None:
        row = held("ada", NOW, oauth(), refresh=None)
        assert leases.claim_one("oauth2", "acme", row, LATER) is None

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once_never_lease_the_same(self) -> None:
        for place in range(40):
            held(f"user-{place}", NOW, oauth())
        leased: list[int] = []

        def work() -> None:
            while some := claim(3):
                leased.extend(one.pk for one in some)

        at_once(*[work] * 4)
        assert len(leased) == len(set(leased)) == 40

    @pytest.mark.django_db(transaction=True)
    def test_a_row_that_somebody_holds_is_passed_by(self) -> None:
        row = held("ada", NOW, oauth())
        held("ben", NOW, oauth())
        with in_another_session(lambda: Token.objects.select_for_update().get(pk=row.pk)):
            assert [one.user_id for one in claim()] == ["ben"]

    @pytest.mark.django_db(transaction=True)
    def test_a_lease_within_a_transaction_is_refused(self) -> None:
        held("ada", NOW, oauth())
        with pytest.raises(RuntimeError), transaction.atomic():
            claim()


@pytest.fixture
def row() -> Token:
    return held("ada", NOW, oauth())


class TestWhatCameOfIt:
    def test_a_new_pair_takes_the_place_of_the_old(self, row: Token) -> None:
        (one,) = claim()
        assert leases.write([Outcome(one, TokenAnswer("access-2", "refresh-2", expires_in=HOUR))], oauth(), LATER) == {
            row.pk
        }
        assert opened(row) == ("access-2", "refresh-2")
        assert (row.refreshed_at, row.refreshing_since, row.asked_at) == (LATER, None, NOW)
        assert row.refresh_at == LATER + timedelta(minutes=55)

    def test_the_old_refresh_token_stays_where_none_came(self, row: Token) -> None:
        (one,) = claim()
        leases.write([Outcome(one, TokenAnswer("access-2", expires_in=HOUR))], oauth(), LATER)
        assert opened(row) == ("access-2", "refresh-1-of-ada") and not missing()

    def test_an_end_leaves_no_token(self, row: Token) -> None:
        (one,) = claim()
        assert leases.write([Outcome(one, end=True)], oauth(), LATER) == {row.pk}
        assert opened(row) == (None, None)
        assert (row.ended_at, row.refresh_at, row.refreshing_since, row.key_id) == (LATER, None, None, "")

    def test_an_error_is_kept_until_it_works(self, row: Token) -> None:
        (one,) = claim()
        leases.write([Outcome(one, error="HTTP 503", retry_at=LATER + timedelta(minutes=1))], oauth(), LATER)
        row.refresh_from_db()
        assert (row.error, row.failing_since, row.refreshing_since) == ("HTTP 503", LATER, None)
        assert opened(row) == ("access-1-of-ada", "refresh-1-of-ada") and row.uncertain_since is None
        at = LATER + timedelta(minutes=1)
        (one,) = claim(now=at)
        assert one.failing_since == LATER
        leases.write([Outcome(one, TokenAnswer("access-2", expires_in=HOUR))], oauth(), at)
        row.refresh_from_db()
        assert (row.error, row.failing_since) == ("", None)

    def test_what_is_uncertain_is_since_the_lease(self, row: Token) -> None:
        (one,) = claim()
        at = LATER + timedelta(seconds=20)
        leases.write([Outcome(one, error="no answer", uncertain=True)], oauth(), at)
        row.refresh_from_db()
        assert (row.uncertain_since, row.refresh_at, row.ended_at) == (LATER, None, None)

    def test_what_was_not_tried_is_as_before(self, row: Token) -> None:
        (one,) = claim()
        leases.write([Outcome(one)], oauth(), LATER)
        (again,) = claim()
        assert (again.losses, again.failing_since) == (0, None)

    @pytest.mark.parametrize(
        "outcome",
        [
            lambda one: Outcome(one, TokenAnswer("late", "late", expires_in=HOUR)),
            lambda one: Outcome(one, end=True),
            lambda one: Outcome(one, error="late", uncertain=True),
        ],
    )
    def test_a_newer_refresh_token_is_never_overwritten(
        self, row: Token, outcome: Callable[[leases.Claimed], Outcome]
    ) -> None:
        (one,) = claim()
        consent_again(row, TokenAnswer("access-2", "refresh-2", expires_in=HOUR), LATER)
        assert leases.write([outcome(one)], oauth(), LATER) == set()
        assert opened(row) == ("access-2", "refresh-2")
        assert (row.ended_at, row.error, row.uncertain_since) == (None, "", None)

    def test_the_lease_of_somebody_else_goes_on(self, row: Token) -> None:
        (one,) = claim()
        later = LATER + timedelta(minutes=2)
        claim(now=later)
        leases.write([Outcome(one, TokenAnswer("access-2", "refresh-2", expires_in=HOUR))], oauth(), later)
        row.refresh_from_db()
        assert row.refreshing_since == later, "and what came late is kept, for it is the only pair that works"
        assert opened(row) == ("access-2", "refresh-2")

    def test_encrypted_by_another_key_meanwhile_it_is_the_same_token(
        self, row: Token, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (one,) = claim()
        monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
        Token.objects.update(refresh=vault.seal(row.pk, "refresh", "refresh-1-of-ada"))
        assert leases.write([Outcome(one, TokenAnswer("access-2", "refresh-2"))], oauth(), LATER) == {row.pk}
        assert opened(row) == ("access-2", "refresh-2") and row.key_id == "new"

    def test_of_an_erased_connection_nothing_is_written(self, row: Token) -> None:
        (one,) = claim()
        Token.objects.all().delete()
        assert leases.write([Outcome(one, TokenAnswer("a", "r"))], oauth(), LATER) == set()
        assert not Token.objects.exists()


def test_what_waits_for_a_provider_waits_with_all_of_its_source() -> None:
    held("ada", NOW, oauth())
    held("ben", NOW + timedelta(hours=3), oauth())
    until = LATER + timedelta(minutes=10)
    assert leases.postpone("oauth2", "acme", until) == 1
    assert claim() == [] and [one.user_id for one in claim(now=until)] == ["ada"]


def test_ended_tokens_stay_ended() -> None:
    row = held("ada", NOW, oauth())
    assert tokens.end(row.pk, LATER) is True
    assert tokens.end(row.pk, LATER) is False
    assert claim() == [] and opened(row) == (None, None)
