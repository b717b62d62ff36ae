"""What a fact does to a connection: the newest wins, attribute by attribute, in whatever order facts arrive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopes.facts import (
    ConnectionFact,
    ConnectionSeen,
    ConsentGiven,
    IdReplaced,
    LinkChanged,
    LinkState,
    ScopesChanged,
)
from scopes.intake.recording.effects import apply_fact, changes_nothing
from scopes.intake.recording.row import ReadScopes, Row, first_row
from scopes.judge.policy import ConsentScreens

FIRST_SCREEN, LATER_SCREEN = 11, 12
START = datetime(2026, 5, 1, tzinfo=UTC)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


SCREENS = ConsentScreens(((hour(0), FIRST_SCREEN), (hour(50), LATER_SCREEN)))


def read(fact: ConnectionFact) -> ReadScopes:
    scopes = getattr(fact, "scopes", None)
    kept = None if scopes is None else frozenset(scopes)
    if isinstance(fact, ScopesChanged):
        return ReadScopes(kept, added=frozenset(fact.added), removed=frozenset(fact.removed))
    return ReadScopes(kept)


def life(facts: Iterable[ConnectionFact], listed_at: datetime | None = None) -> Row:
    """The row that results from these facts, applied one after the other."""
    first, *rest = facts
    row = first_row(first, 1, read(first), SCREENS)
    for fact in rest:
        row = apply_fact(row, fact, read(fact), SCREENS, listed_at)
    return row


def scopes_of(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split())


def consent(at: float, scopes: str | None = None) -> ConsentGiven:
    return ConsentGiven("oura", "ada", hour(at), scopes=scopes_of(scopes))


def seen(at: float, scopes: str | None = None, active: bool | None = None, **more: object) -> ConnectionSeen:
    return ConnectionSeen("oura", "ada", hour(at), scopes=scopes_of(scopes), active=active, **more)  # type: ignore[arg-type]


def changed(at: float, scopes: str | None = None, *, added: str = "", removed: str = "") -> ScopesChanged:
    return ScopesChanged("oura", "ada", hour(at), scopes_of(added) or (), scopes_of(removed) or (), scopes_of(scopes))


def link(at: float, state: LinkState) -> LinkChanged:
    return LinkChanged("oura", "ada", state, hour(at))


def reported(row: Row) -> str | None:
    return None if row.standing.reported is None else " ".join(sorted(row.standing.reported))


def earlier(row: Row) -> str:
    return " ".join(sorted(row.standing.earlier))


# A consent, then what happens to it, in order -> scopes held, scopes lost, link.
@pytest.mark.parametrize(
    ("facts", "held", "lost", "state"),
    [
        ([consent(1, "a b")], "a b", "", "active"),
        ([consent(1, "a b"), seen(2, "a")], "a", "b", "active"),
        ([consent(1, "a b"), seen(2, "a"), seen(3, "a b")], "a b", "", "active"),
        ([consent(1, "a b"), seen(2, "a"), consent(3, "a")], "a", "", "active"),
        ([consent(1, "a b"), changed(2, added="c", removed="a")], "b c", "a", "active"),
        ([consent(1, "a b"), changed(2, "b", removed="a")], "b", "a", "active"),
        ([consent(1), changed(2, added="c")], None, "", "active"),
        ([consent(1, "a b"), seen(2), changed(3), consent(4)], "a b", "", "active"),
        ([consent(1, "a b"), seen(2, "")], "", "a b", "active"),
        # the link
        ([consent(1), link(2, LinkState.REVOKED)], None, "", "revoked"),
        ([consent(1), link(2, LinkState.REVOKED), consent(3)], None, "", "active"),
        ([consent(1), link(2, LinkState.TOKEN_REJECTED), seen(90, active=True)], None, "", "token_rejected"),
        ([consent(1), link(2, LinkState.TOKEN_REJECTED), seen(90, last_data_on=hour(80).date())], None, "", "active"),
        ([consent(1), link(80, LinkState.REVOKED), seen(90, last_data_on=hour(80).date())], None, "", "revoked"),
        ([consent(1), link(2, LinkState.NO_DATA_SOURCE), seen(90, last_data_on=hour(80).date())], None, "", "active"),
        ([consent(1), seen(2, active=False)], None, "", "inactive"),
        ([consent(1), seen(2, active=False), seen(3)], None, "", "inactive"),
        ([consent(1), seen(2, active=False), seen(3, active=True)], None, "", "active"),
        ([consent(1), link(2, LinkState.REVOKED), seen(3, active=False)], None, "", "revoked"),
        ([consent(1), link(2, LinkState.UNCONFIRMED), seen(3)], None, "", "active"),
        ([consent(1), link(2, LinkState.GONE), seen(3)], None, "", "active"),
    ],
)
def test_facts_in_order_result_in(facts: list[ConnectionFact], held: str | None, lost: str, state: str) -> None:
    row = life(facts)

    assert (reported(row), earlier(row), row.standing.link.value) == (held, lost, state)


# The same in another order -> scopes held, scopes lost, link.
@pytest.mark.parametrize(
    ("facts", "held", "lost", "state"),
    [
        # not reported never overwrites reported, and reported overwrites not reported, however old it is
        ([link(5, LinkState.REVOKED), seen(1, "a b")], "a b", "", "revoked"),
        ([consent(5), seen(1, "a b")], "a b", "", "active"),
        ([link(5, LinkState.REVOKED), consent(1, "a b")], "a b", "", "revoked"),
        ([consent(5), consent(1, "a b")], "a b", "", "active"),
        # a change that only confirmed what stood has been heard: an older one does not undo it
        ([consent(1, "a b"), changed(5, "a b"), changed(3, "a")], "a b", "", "active"),
        ([consent(1, "a"), changed(5, removed="b"), changed(3, added="b")], "a", "b", "active"),
        # a late report takes nothing back, but it proves what was held and has gone since
        ([consent(1, "a"), seen(5, "a"), changed(6, "a c"), seen(3, "a b")], "a c", "b", "active"),
        ([consent(3, "a"), seen(5, "a c"), seen(1, "a b")], "a c", "", "active"),
        ([seen(1, "a b"), seen(5, "a"), consent(3, "a d")], "a", "d", "active"),
        # a late failure does not overwrite a newer consent; a first observation hides no failure after the consent
        ([consent(1), consent(5), link(3, LinkState.TOKEN_REJECTED)], None, "", "active"),
        ([seen(5, active=True, created_at=hour(1)), link(3, LinkState.REVOKED)], None, "", "revoked"),
        ([seen(5, active=False, created_at=hour(1)), seen(3, active=True)], None, "", "inactive"),
    ],
)  # fmt: skip
def test_facts_out_of_order_result_in(facts: list[ConnectionFact], held: str | None, lost: str, state: str) -> None:
    row = life(facts)

    assert (reported(row), earlier(row), row.standing.link.value) == (held, lost, state)


FAILURES = [state for state in LinkState if state is not LinkState.ACTIVE]


@pytest.mark.parametrize("state", FAILURES)
def test_no_failure_reported_late_overwrites_a_newer_consent(state: LinkState) -> None:
    assert life([consent(1), consent(5), link(3, state)]).standing.link is LinkState.ACTIVE
    assert life([link(3, state), consent(5)]).standing.link is LinkState.ACTIVE
    assert life([consent(1), link(3, state)]).standing.link is state


# What a listing or a check finds is never late; no data disproves a wrong account, or one too many.
FOUND = {LinkState.INACTIVE, LinkState.UNCONFIRMED, LinkState.GONE, LinkState.WRONG_ACCOUNT, LinkState.USER_LIMIT}
DISPROVED = [state for state in FAILURES if state not in FOUND]


@pytest.mark.parametrize("state", DISPROVED)
def test_no_failure_reported_late_overwrites_data_of_a_later_day(state: LinkState) -> None:
    row = life([consent(1)])._replace(last_data_on=hour(72).date())

    assert apply_fact(row, link(30, state), ReadScopes(), SCREENS) is row
    assert apply_fact(row, link(80, state), ReadScopes(), SCREENS).standing.link is state, (
        "on the day itself it may be newer"
    )


def test_removed_scopes_were_granted_before_even_if_that_was_not_reported() -> None:
    assert earlier(life([changed(5, "a", removed="b")])) == "b"
    assert earlier(life([seen(1, "a"), changed(5, "a", removed="b")])) == "b"
    assert earlier(life([consent(5, "a"), changed(3, "a", removed="b")])) == "", "a new consent starts over"
    assert earlier(life([changed(5, "a", removed="b"), changed(6, "a b", added="b")])) == ""


def test_a_listing_confirms_every_connection_up_to_its_beginning_without_a_write() -> None:
    row = life([consent(1, "a b"), seen(9, "a b")])

    for at, held in [(5, "a b"), (8.5, "a")]:
        fact = seen(at, "a")
        assert reported(apply_fact(row, fact, read(fact), SCREENS, listed_at=hour(8))) == held


def test_a_change_reported_late_counts_though_a_listing_began_since() -> None:
    """Not every listing reports scopes: what it did not report, it did not confirm."""
    assert reported(life([consent(1, "a b"), changed(5, "a")], listed_at=hour(8))) == "a"
    assert reported(life([consent(1, "a b"), consent(5, "a")], listed_at=hour(8))) == "a"


@pytest.mark.parametrize(
    "fact",
    [
        seen(1, "a b", created_at=hour(1), provider_user_id="acc"),
        seen(9, "a b", active=True),
        seen(9),
        consent(1, "a b"),
        changed(1, "a b"),
        changed(0.5, removed="c"),
        link(1, LinkState.ACTIVE),
        link(0.5, LinkState.REVOKED),
    ],
)
def test_a_fact_without_news_leaves_the_same_row(fact: ConnectionFact) -> None:
    row = life([consent(1, "a b"), seen(2, provider_user_id="acc")])

    assert apply_fact(row, fact, read(fact), SCREENS) is row


def test_the_consent_is_the_newest_one_and_so_is_the_screen_that_was_shown() -> None:
    lives_of_two: list[list[ConnectionFact]] = [
        [consent(1), consent(60)],
        [consent(60), consent(1)],
        [seen(2, created_at=hour(1)), consent(60)],
    ]
    for facts in lives_of_two:
        row = life(facts)
        assert (row.consented_at, row.standing.consent_version) == (hour(60), LATER_SCREEN)
    assert life([seen(60, created_at=hour(1))]).standing.consent_version == FIRST_SCREEN
    assert life([seen(60)]).standing.consent_version is None
    assert life([consent(-1)]).standing.consent_version is None


def test_an_account_changes_only_with_a_consent() -> None:
    old, new = seen(2, provider_user_id="old"), seen(6, provider_user_id="new")

    assert life([consent(1), old, consent(5), new]).provider_user_id == "new"
    assert life([consent(1), consent(5), new, old]).provider_user_id == "new"
    assert life([consent(5), old]).provider_user_id == "old"


def test_scopes_beyond_the_bound_leave_one_mark_that_a_difference_does_not_wipe_out() -> None:
    marked = ReadScopes(frozenset("a"), unlisted=("strange",), marked=True)
    row = first_row(consent(1, "a"), 1, marked, SCREENS)

    fewer = apply_fact(row, changed(2, added="b"), ReadScopes(added=frozenset("b")), SCREENS)
    assert fewer.standing.unlisted and fewer.unlisted == ("strange",)
    assert reported(fewer) == "a b"
    assert not apply_fact(row, seen(3, "a"), ReadScopes(frozenset("a")), SCREENS).standing.unlisted


# Facts of one connection: a consent first, then distinct moments. An observation that repeats the current scopes writes
# nothing, so those here show a scope of their own; changes without the whole set are left to the next listing.
moments = st.lists(st.integers(2, 99), min_size=1, max_size=7, unique=True)
DEAD = [LinkState.REVOKED, LinkState.TOKEN_REJECTED, LinkState.DEAUTHORISED, LinkState.CREDENTIAL_CHANGED]


@st.composite
def lives(draw: st.DrawFn) -> list[ConnectionFact]:
    some = st.none() | st.sets(st.sampled_from("abc"), max_size=3).map(lambda scopes: " ".join(sorted(scopes)))
    facts: list[ConnectionFact] = [consent(1, draw(some))]
    for at in sorted(draw(moments)):
        match draw(st.sampled_from(["consent", "id", "seen", "changed", "link"])):
            case "consent":
                facts.append(consent(at, draw(some)))
            case "id":
                facts.append(IdReplaced("oura", "ada", None, hour(at), scopes=scopes_of(draw(some))))
            case "seen":
                facts.append(seen(at, draw(st.none() | st.just(f"only-{at}")), created_at=hour(1)))
            case "changed":
                facts.append(changed(at, draw(some)))
            case _:
                facts.append(link(at, draw(st.sampled_from(DEAD))))
    return facts


@given(lives(), st.data())
def test_the_order_in_which_facts_arrive_does_not_matter_nor_that_some_arrive_twice(
    facts: list[ConnectionFact], data: st.DataObject
) -> None:
    twice = data.draw(st.lists(st.sampled_from(facts), max_size=3))
    arrived = data.draw(st.permutations(facts + twice))

    ordered, shuffled = life(facts), life(arrived)

    # What was lost since the consent can only be known from facts that arrived: it is compared case by case above.
    assert shuffled.standing._replace(earlier=frozenset()) == ordered.standing._replace(earlier=frozenset())
    assert shuffled.consented_at == ordered.consented_at
    assert not shuffled.standing.earlier & (shuffled.standing.reported or frozenset())


@given(lives())
def test_the_same_facts_again_change_nothing(facts: list[ConnectionFact]) -> None:
    row = life(facts)

    for fact in facts:
        assert apply_fact(row, fact, read(fact), SCREENS).standing == row.standing


@given(
    lives(),
    st.floats(0, 200),
    st.none() | st.sets(st.sampled_from("abc"), max_size=3).map(lambda scopes: " ".join(sorted(scopes))),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "ada"]),
    st.sampled_from([None, hour(1)]),
    st.sampled_from([None, hour(30)]),
)
def test_an_observation_that_the_quick_test_excludes_changes_nothing(
    facts: list[ConnectionFact],
    at: float,
    scopes: str | None,
    active: bool | None,
    reference_id: str | None,
    created_at: datetime | None,
    listed_at: datetime | None,
) -> None:
    row = life(facts)
    fact = seen(at, scopes, active, reference_id=reference_id, created_at=created_at)
    unclaimed, undated = not row.reference_id, row.consented_at is None

    if changes_nothing(row.standing, fact, unclaimed=unclaimed, undated=undated):
        assert apply_fact(row, fact, read(fact), SCREENS, listed_at) is row
        assert not (unclaimed and reference_id)


@pytest.mark.parametrize(
    "fact",
    [
        seen(9, "a"),
        seen(9, "a b", active=False),
        seen(9, "a b", reference_id="ada"),
        seen(9, "a b", provider_user_id="account"),
    ],
    ids=["fewer scopes", "inactive", "whose it is", "which account"],
)
def test_the_quick_test_excludes_no_observation_with_news(fact: ConnectionSeen) -> None:
    row = life([consent(1, "a b")])
    assert changes_nothing(row.standing, seen(9, "b a", active=True), unclaimed=True, undated=False)
    assert not changes_nothing(row.standing, fact, unclaimed=True, undated=False)
