"""What a standing means under a policy, case by case. No database: rules are pure."""

from __future__ import annotations

import pytest

from scopes.catalogue.entries import Provider, Scope
from scopes.facts import LinkState
from scopes.judge.rules import (
    OPTIONAL,
    RECOMMENDED,
    REQUIRED,
    SCOPE_RULES,
    Judgement,
    Policy,
    Requirement,
    StandingFacts,
    VerdictLine,
    judge,
)
from scopes.reasons import LINK_REASONS, SCOPE_REASONS

RING = Provider(
    "ring",
    "Ring",
    scopes=(
        Scope("sleep", aliases=("ext:sleep",)),
        Scope("heart"),
        Scope("spo2"),
        Scope("write", implies=("read",)),
        Scope("read"),
        Scope("old", successor="new"),
        Scope("new"),
    ),
)
PHONE = Provider("phone", "Phone", on_device=True)


def words(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(text.split())


def need(scopes: str, level: str = REQUIRED, plans: tuple[str, ...] = ()) -> Requirement:
    return Requirement(f"what needs {scopes}", tuple(scopes.split("|")), level, plans)


def judged(
    reported: str | None,
    *needs: Requirement,
    consented: str | None = None,
    requested: str = "sleep heart",
    approved: str | None = None,
    provider: Provider = RING,
    retired: bool = False,
    earlier: str = "",
    waived: str = "",
    link: LinkState = LinkState.ACTIVE,
    plan: str = "",
    moved: bool = False,
) -> Judgement:
    standing = StandingFacts(
        1, link, words(reported), frozenset(earlier.split()), None, frozenset(waived.split()), plan
    )
    return judge(
        standing._replace(moved=moved),
        Policy(provider, words(requested) or frozenset(), words(approved), needs, retired),
        words(consented),
    )


def needed(judgement: Judgement) -> list[VerdictLine]:
    return [line for line in judgement.lines if line.need != OPTIONAL]


# The scopes as reported, those held earlier, asked for at the consent, requested today, approved for us, the waived
# needs, the need -> reason and remedy of the need, health, and whether a reauth helps. `None`: not known.
SCOPE_CASES = [
    # held in whatever way
    ("sleep", "", None, "sleep", None, "", "sleep", "", "", "ok", "not_needed"),
    ("ext:sleep", "", None, "sleep", None, "", "sleep", "", "", "ok", "not_needed"),
    ("sleep", "", None, "sleep", None, "", "ext:sleep", "", "", "ok", "not_needed"),
    ("write", "", None, "write", None, "", "read", "", "", "ok", "not_needed"),
    ("new", "", None, "new", None, "", "old", "", "", "ok", "not_needed"),
    ("sleep", "", None, "", "", "", "sleep", "", "", "ok", "not_needed"),
    # the provider, then our own request, come before anything about the person
    ("", "sleep", "sleep", "sleep", "heart", "sleep", "sleep", "not_approved", "change_console", "blocked", "no"),
    (None, "", "sleep", "sleep", "heart", "", "sleep", "not_approved", "change_console", "unknown", "no"),
    ("", "sleep", "sleep", "heart", "sleep", "sleep", "sleep", "never_requested", "change_request", "blocked", "no"),
    (None, "", "sleep", "heart", None, "", "sleep", "never_requested", "change_request", "unknown", "no"),
    ("", "", "write", "write", None, "", "read", "declined", "reauthenticate", "blocked", "yes"),
    # nobody knows
    (None, "sleep", "sleep", "sleep", "sleep", "sleep", "sleep", "not_reported", "verify", "unknown", "verify"),
    # replaced: only once the successor is requested, and approved, can a person grant it
    ("", "old", "old", "old", None, "", "old", "renamed", "change_request", "blocked", "no"),
    ("", "old", "old", "old new", None, "", "old", "renamed", "reauthenticate", "blocked", "yes"),
    ("", "old", "old", "new", None, "", "old", "renamed", "reauthenticate", "blocked", "yes"),
    ("", "", None, "new", "new", "", "old", "renamed", "reauthenticate", "blocked", "yes"),
    ("", "", None, "old new", "old", "", "old", "renamed", "change_console", "blocked", "no"),
    # the person's own doing
    ("", "sleep", "sleep", "sleep", None, "sleep", "sleep", "waived", "respect", "reduced", "not_needed"),
    ("", "sleep", "sleep", "sleep", None, "ext:sleep", "sleep", "waived", "respect", "reduced", "not_needed"),
    ("", "sleep", "", "sleep", None, "", "sleep", "removed_later", "reauthenticate", "blocked", "yes"),
    ("", "ext:sleep", None, "sleep", None, "", "sleep", "removed_later", "reauthenticate", "blocked", "yes"),
    ("", "write", None, "read", None, "", "read", "removed_later", "reauthenticate", "blocked", "yes"),
    ("", "", "heart", "sleep", None, "", "sleep", "requirement_raised", "reauthenticate", "blocked", "yes"),
    ("", "", "", "sleep", None, "", "sleep", "requirement_raised", "reauthenticate", "blocked", "yes"),
    ("heart", "", "sleep heart", "sleep", None, "", "sleep", "declined", "reauthenticate", "blocked", "yes"),
    ("heart", "", None, "sleep", None, "", "sleep", "not_granted", "reauthenticate", "blocked", "yes"),
]  # fmt: skip


@pytest.mark.parametrize(
    (
        "reported",
        "earlier",
        "consented",
        "requested",
        "approved",
        "waived",
        "scopes",
        "reason",
        "remedy",
        "health",
        "helps",
    ),
    SCOPE_CASES,
)
def test_a_needed_scope_is_held_or_has_one_reason_and_one_remedy(
    reported: str | None, earlier: str, consented: str | None, requested: str, approved: str | None, waived: str,
    scopes: str, reason: str, remedy: str, health: str, helps: str,
) -> None:  # fmt: skip
    judgement = judged(
        reported,
        need(scopes),
        earlier=earlier,
        consented=consented,
        requested=requested,
        approved=approved,
        waived=waived,
    )

    [line] = needed(judgement)
    assert (line.reason, line.remedy) == (reason, remedy)
    assert line.held == (None if reported is None else not reason)
    assert (judgement.health, judgement.helps) == (health, helps)


def test_the_table_covers_every_reason_of_a_scope() -> None:
    assert {case[7] for case in SCOPE_CASES} - {""} == set(SCOPE_REASONS) == {code for code, _ in SCOPE_RULES}


# The link, then: is the provider retired, is it a phone, what is reported -> reason and remedy of the link, health,
# and whether a reauth helps. Everything asks for `sleep`.
LINK_CASES = [
    (LinkState.ACTIVE, False, RING, "sleep", "", "", "ok", "not_needed"),
    (LinkState.REVOKED, False, RING, "sleep", "revoked", "reauthenticate", "broken", "yes"),
    (LinkState.REVOKED, False, RING, None, "revoked", "reauthenticate", "broken", "yes"),
    (LinkState.DEAUTHORISED, False, RING, "sleep", "deauthorised", "reauthenticate", "broken", "yes"),
    (LinkState.TOKEN_REJECTED, False, RING, "sleep", "token_rejected", "reauthenticate", "broken", "yes"),
    (LinkState.INACTIVE, False, RING, "sleep", "inactive", "reauthenticate", "broken", "yes"),
    (LinkState.GONE, False, RING, "sleep", "gone", "reauthenticate", "broken", "yes"),
    (LinkState.CREDENTIAL_CHANGED, False, RING, "sleep", "credential_changed", "reauthenticate", "broken", "yes"),
    (LinkState.WRONG_ACCOUNT, False, RING, "sleep", "wrong_account", "reauthenticate", "broken", "yes"),
    (LinkState.NO_DATA_SOURCE, False, RING, "sleep", "no_data_source", "reauthenticate", "broken", "yes"),
    (LinkState.USER_LIMIT, False, RING, "sleep", "user_limit", "raise_limit", "broken", "no"),
    # unconfirmed is not broken: check first
    (LinkState.UNCONFIRMED, False, RING, "sleep", "unconfirmed", "verify", "ok", "verify"),
    (LinkState.UNCONFIRMED, False, RING, "", "unconfirmed", "verify", "blocked", "verify"),
    (LinkState.UNCONFIRMED, False, RING, None, "unconfirmed", "verify", "unknown", "verify"),
    # what a phone decides, no link can mend; what is retired, nothing can
    (LinkState.ACTIVE, False, PHONE, None, "phone_permission", "phone_settings", "unknown", "no"),
    (LinkState.REVOKED, False, PHONE, None, "revoked", "phone_settings", "broken", "no"),
    (LinkState.ACTIVE, True, RING, "sleep", "provider_retired", "connect_successor", "broken", "no"),
    (LinkState.ACTIVE, True, RING, None, "provider_retired", "connect_successor", "broken", "no"),
    (LinkState.REVOKED, True, RING, "sleep", "provider_retired", "connect_successor", "broken", "no"),
    (LinkState.ACTIVE, True, PHONE, None, "provider_retired", "connect_successor", "broken", "no"),
]  # fmt: skip
# Decided elsewhere, because no standing holds them: an attempt that made no connection, and a pulse that stopped.
NOT_OF_A_STANDING = {"attempt_failed", "quiet"}
# Whatever the state of the link: tested below.
WHATEVER_THE_LINK = {"moved"}


@pytest.mark.parametrize(("link", "retired", "provider", "reported", "reason", "remedy", "health", "helps"), LINK_CASES)
def test_a_link_works_or_has_one_reason_and_one_remedy(
    link: LinkState, retired: bool, provider: Provider, reported: str | None,
    reason: str, remedy: str, health: str, helps: str,
) -> None:  # fmt: skip
    judgement = judged(reported, need("sleep"), link=link, retired=retired, provider=provider)

    assert (judgement.link_reason, judgement.link_remedy) == (reason, remedy)
    assert (judgement.health, judgement.helps) == (health, helps)


def test_the_table_covers_every_reason_of_a_link() -> None:
    assert {case[4] for case in LINK_CASES} - {""} == set(LINK_REASONS) - NOT_OF_A_STANDING - WHATEVER_THE_LINK
    assert {case[0] for case in LINK_CASES} == set(LinkState)


@pytest.mark.parametrize("link", [LinkState.ACTIVE, LinkState.REVOKED])
@pytest.mark.parametrize("retired", [False, True])
def test_who_has_moved_lacks_nothing_here_whatever_became_of_the_link(link: LinkState, retired: bool) -> None:
    judgement = judged("heart", need("sleep"), link=link, retired=retired, moved=True)
    assert (judgement.link_reason, judgement.link_remedy) == ("moved", "nothing")
    assert (judgement.health, judgement.helps) == ("ok", "not_needed")
    assert [(line.scopes, line.need) for line in judgement.lines] == [(("heart",), OPTIONAL)]


# Alternatives -> the one to ask for first, its reason. Neither `spo2` nor `old` nor its successor is requested.
@pytest.mark.parametrize(
    ("reported", "waived", "alternatives", "first_scope", "reason"),
    [
        ("", "", "heart|sleep", "heart", "not_granted"),
        ("", "", "spo2|sleep", "sleep", "not_granted"),
        ("", "", "old|spo2", "old", "never_requested"),
        (None, "", "spo2|sleep", "sleep", "not_reported"),
        ("", "sleep|spo2", "spo2|sleep", "sleep", "waived"),
        ("spo2", "", "sleep|spo2", "sleep", ""),
    ],
)
def test_of_alternatives_the_one_that_the_person_can_grant_is_shown(
    reported: str | None, waived: str, alternatives: str, first_scope: str, reason: str
) -> None:
    [line] = needed(judged(reported, need(alternatives), waived=waived))

    assert (line.scopes[0], line.reason) == (first_scope, reason)
    assert sorted(line.scopes) == sorted(alternatives.split("|"))


def test_a_waiver_of_two_scopes_survives_that_one_becomes_an_alias() -> None:
    [line] = needed(judged("", need("sleep|ext:sleep"), waived="ext:sleep|sleep"))

    assert (line.scopes, line.reason) == (("sleep",), "waived")


def test_a_need_holds_for_its_plans_only() -> None:
    coaching = need("heart", plans=("pro", "team"))

    assert judged("sleep", coaching, plan="pro").health == "blocked"
    assert judged("sleep", coaching, plan="free").health == "ok"
    assert judged("sleep", coaching).health == "ok"


def test_one_scope_for_two_features_is_one_line_with_the_stronger_need() -> None:
    first = Requirement("sleep score", ("sleep",), RECOMMENDED)
    second = Requirement("coaching", ("ext:sleep",), REQUIRED)

    [line] = needed(judged("", first, second))

    assert (line.scopes, line.need, line.features) == (("sleep",), REQUIRED, ("sleep score", "coaching"))


@pytest.mark.parametrize(
    ("reported", "waived", "health", "helps"),
    [
        ("sleep heart", "", "ok", "not_needed"),
        ("sleep", "", "reduced", "yes"),
        ("heart", "", "blocked", "yes"),
        ("sleep", "heart", "ok", "not_needed"),
        ("heart", "sleep", "reduced", "not_needed"),
        ("", "sleep", "reduced", "yes"),
    ],
)
def test_a_required_scope_blocks_and_a_recommended_one_reduces(
    reported: str, waived: str, health: str, helps: str
) -> None:
    judgement = judged(reported, need("sleep"), need("heart", RECOMMENDED), waived=waived)

    assert (judgement.health, judgement.helps) == (health, helps)


@pytest.mark.parametrize("link", [LinkState.ACTIVE, LinkState.REVOKED])
def test_a_reauth_helps_partly_where_something_else_is_wrong_as_well(link: LinkState) -> None:
    judgement = judged("", need("sleep"), need("spo2"), link=link)

    assert [line.reason for line in needed(judgement)] == ["not_granted", "never_requested"]
    assert judgement.helps == "partly"


def test_what_is_granted_and_not_needed_is_listed_and_changes_nothing() -> None:
    judgement = judged("ext:sleep heart surprise", need("heart"))

    spare = [line for line in judgement.lines if line.need == OPTIONAL]
    assert spare == [VerdictLine(("sleep",), OPTIONAL, True), VerdictLine(("surprise",), OPTIONAL, True)]
    assert judgement.health == "ok"
