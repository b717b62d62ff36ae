"""Witnesses side by side: which of them is right, attribute by attribute, and why. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from scopes.facts import LinkState
from scopes.judge import evidence
from scopes.judge.evidence import Conclusion, LastWebhook, LiveAnswer, RecordedState, weigh
from scopes.models import LiveCheck

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)
SCOPES = frozenset({"daily", "email"})
RECORDED = RecordedState(LinkState.ACTIVE, NOW - 90 * DAY, SCOPES, NOW - 90 * DAY, "a listing")
KNOWN = LiveAnswer("Terra", NOW, "known", active=True, scopes=SCOPES)


def concluded(
    question: str,
    recorded: RecordedState = RECORDED,
    check: LiveAnswer | None = None,
    webhook: LastWebhook | None = None,
) -> Conclusion:
    (one,) = (one for one in weigh("Terra", recorded, check, webhook).conclusions if question in one.question)
    return one


def worth(
    by: str, recorded: RecordedState = RECORDED, check: LiveAnswer | None = None, webhook: LastWebhook | None = None
) -> str:
    (sign,) = (sign for sign in weigh("Terra", recorded, check, webhook).statements if by in sign.by)
    return f"{sign.text} {sign.worth}"


@pytest.mark.parametrize(
    ("listed", "listed_at", "check", "answer", "explanation"),
    [
        (None, None, None, "Not known", "No listing or live check"),
        (True, NOW - DAY, None, "Yes", "listing of 19 Nov 2026 had it"),
        (False, NOW - DAY, None, "Unconfirmed", "missing from the listing of 19 Nov 2026"),
        (False, NOW - DAY, KNOWN, "Yes", "confirmed it on 20 Nov 2026"),
        (
            None,
            None,
            LiveAnswer("Terra", NOW, "not_found"),
            "Unconfirmed",
            "404 on 20 Nov 2026. The next complete listing decides",
        ),
        (
            True,
            NOW - DAY,
            LiveAnswer("Terra", NOW, "not_found"),
            "Unconfirmed",
            "the listing of 19 Nov 2026 had it",
        ),
        (True, NOW + DAY, LiveAnswer("Terra", NOW, "not_found"), "Yes", "listing of 21 Nov 2026 had it"),
        (None, None, LiveAnswer("Terra", NOW, "down"), "Not known", "No listing or live check"),
    ],
)
def test_a_connection_exists_by_the_newest_of_listing_and_live_check(
    listed: bool | None, listed_at: datetime | None, check: LiveAnswer | None, answer: str, explanation: str
) -> None:
    found = concluded("Does it exist at Terra", replace(RECORDED, listed=listed, listed_at=listed_at), check)
    assert (found.answer, explanation in found.explanation) == (answer, True), found.explanation


def test_it_is_gone_by_a_listing_and_a_404_together() -> None:
    gone = replace(RECORDED, link=LinkState.GONE, link_at=NOW, listed=False, listed_at=NOW - DAY)
    found = concluded("Does it exist at Terra", gone, LiveAnswer("Terra", NOW, "not_found"))
    assert (found.answer, found.explanation) == (
        "No",
        "It was missing from a complete listing, and Terra answered 404.",
    )


@pytest.mark.parametrize(
    ("recorded", "check", "webhook", "answer", "explanation"),
    [
        (RECORDED, None, None, "Not proven", "`active` doesn’t show that the token works"),
        (RECORDED, KNOWN, None, "Not proven", "`active` doesn’t show that the token works"),
        (RECORDED, replace(KNOWN, probe="answered"), None, "Yes, as of 20 Nov 2026", "the provider accepted the token"),
        (replace(RECORDED, last_data_on=date(2026, 11, 18)), KNOWN, None, "Yes, as of 18 Nov 2026", "data arrived"),
        (RECORDED, None, LastWebhook(NOW - DAY, "auth", consent=True), "Yes, as of 19 Nov 2026", "consent was given"),
        (
            replace(RECORDED, link=LinkState.TOKEN_REJECTED, link_at=NOW - 2 * DAY, last_data_on=date(2026, 11, 17)),
            KNOWN,
            LastWebhook(NOW - 2 * DAY, "connection_error", link=LinkState.TOKEN_REJECTED),
            "No",
            (
                "reported it as active on 20 Nov 2026, but that doesn’t show that the token works."
                " The last data arrived on 17 Nov 2026"
            ),
        ),
        (
            replace(RECORDED, link=LinkState.NO_DATA_SOURCE, link_at=NOW - 2 * DAY, last_data_on=date(2026, 11, 19)),
            None,
            None,
            "No",
            "Data that arrived on 19 Nov 2026 doesn’t change that.",
        ),
        (replace(RECORDED, link=LinkState.REVOKED), None, None, "No", "No data has arrived since."),
    ],
)
def test_access_works_by_what_proves_it_and_never_by_active_alone(
    recorded: RecordedState, check: LiveAnswer | None, webhook: LastWebhook | None, answer: str, explanation: str
) -> None:
    found = concluded("Does access work", recorded, check, webhook)
    assert (found.answer, explanation in found.explanation) == (answer, True), found.explanation


@pytest.mark.parametrize(
    ("reported", "check", "webhook", "answer", "explanation"),
    [
        (None, None, None, "Not reported", "That doesn’t mean they are missing"),
        (SCOPES, KNOWN, None, "2 scopes", "The live check of 20 Nov 2026 agrees."),
        (frozenset({"daily"}), None, None, "1 scope", "From a listing"),
        (frozenset(), None, None, "None", "From a listing"),
        (SCOPES, replace(KNOWN, scopes=None), None, "2 scopes", "reported no scopes, which changes nothing"),
        (
            SCOPES,
            LiveAnswer("Terra", NOW, "not_found"),
            None,
            "2 scopes",
            "From a listing, the newest report",
        ),
        (
            SCOPES,
            None,
            LastWebhook(NOW - DAY, "permission_change", scopes=frozenset({"daily", "spo2"})),
            "2 scopes",
            "The webhook of 19 Nov 2026 reported other scopes: also `spo2`, not `email`.",
        ),
    ],
)
def test_scopes_are_the_newest_that_were_reported(
    reported: frozenset[str] | None,
    check: LiveAnswer | None,
    webhook: LastWebhook | None,
    answer: str,
    explanation: str,
) -> None:
    found = concluded("Which scopes", replace(RECORDED, reported=reported), check, webhook)
    assert (found.answer, explanation in found.explanation) == (answer, True), found.explanation


def test_only_the_probe_reports_the_account() -> None:
    assert [one.question for one in weigh("Terra", RECORDED, KNOWN, None).conclusions] == [
        "Does it exist at Terra?", "Does access work?", "Which scopes?"
    ]  # fmt: skip
    assert concluded("Whose account", check=replace(KNOWN, probe="answered", account="A-7")).answer == "`A-7`"
    assert concluded("Whose account", check=replace(KNOWN, probe="no_profile")).answer == "Not reported"


def test_each_statement_says_what_it_proves() -> None:
    assert "Only `active: false` says something about the token" in worth("Terra", check=KNOWN)
    assert "Shows that the provider no longer accepts the token" in worth(
        "Provider", check=replace(KNOWN, probe="expired")
    )
    assert "profile scope was not granted" in worth("Provider", check=replace(KNOWN, probe="no_profile"))
    assert worth("Terra", check=LiveAnswer("Terra", NOW, "down", detail="504")) == (
        "Terra did not answer. (504) Nothing. Check again later."
    )
    assert "The token works" in worth("webhook", webhook=LastWebhook(NOW, "connection_error", refused=True))
    assert "connection was listed" in worth("listing", replace(RECORDED, listed=True, listed_at=NOW))
    assert "access worked on that day" in worth("data", replace(RECORDED, last_data_on=NOW.date()))


def test_the_words_of_a_live_check_are_those_of_its_record() -> None:
    assert {value for value, _ in LiveCheck.Answer.choices} == {
        evidence.KNOWN, evidence.UNFINISHED, evidence.NOT_FOUND, evidence.DOWN, evidence.CREDENTIAL, evidence.REFUSED
    }  # fmt: skip
    assert {value for value, _ in LiveCheck.Probe.choices} >= {
        evidence.ANSWERED, evidence.EXPIRED, evidence.NO_PROFILE
    }  # fmt: skip
