"""A reply for each verdict: what is wrong, who fixes it, in the person's language, without a link."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from scopes import flow
from scopes.catalogue import default
from scopes.facts import LinkChanged, LinkState
from scopes.judge.explain import Explanation
from scopes.judge.person import overviews_of
from scopes.judge.rules import OPTIONAL, Policy
from scopes.judge.sentences import ExplainedLine
from scopes.models import Source
from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS, Health, Helps
from scopes.reauth.reply import About, reply_to, reply_to_failed
from scopes.sources.consents import ADMIN_CONSENT_REQUIRED
from tests.cast import CONSENTED, OURA_POLICY, connection_of, policy_for, take_in
from tests.reauth.hands import act


def about(provider: str = "oura", **more: object) -> About:
    entry = default().provider(provider)
    policy = Policy(provider=entry, requested=frozenset(scope.name for scope in entry.scopes))
    return About("Wellio", entry, policy, **{"name": "Ben", **more})  # type: ignore[arg-type]


def reply(name: str, provider: str = "oura", **more: object) -> str:
    (entry,) = overviews_of([connection_of(name, provider)])
    return reply_to(entry.explanation, about(provider, **more))


OFFER = "we will send you a link"


def test_each_of_the_cast_gets_an_answer_that_fits(cast: Source) -> None:
    assert "everything that Wellio needs is allowed" in reply("ada") and OFFER not in reply("ada")
    assert "missing a permission from Oura: Heart rate. It was not ticked when you connected Oura." in reply("ben")
    assert OFFER in reply("ben") and "/r/" not in reply("ben")
    assert "the access of Wellio was taken away" in reply("cy") and OFFER in reply("cy")
    assert "open Settings, Health" in reply("dee", "apple_health") and OFFER not in reply("dee", "apple_health")
    retired = reply("eve", "fitbit", successor="Google Health")
    assert "Fitbit has been switched off" in retired and "Google Health takes its place" in retired
    assert "Google" not in reply("eve", "fitbit")
    assert reply("ben").startswith("Hello Ben,\n\n") and reply("ben").endswith("\n\nKind regards")


def test_it_is_written_in_the_active_language(cast: Source) -> None:
    with translation.override("de"):
        assert "Wellio fehlt eine Berechtigung von Oura: Herzfrequenz." in reply("ben")


@pytest.mark.parametrize(
    ("policy", "saying"),
    [
        ({"requested": ["email", "daily"]}, "Wellio does not ask Oura for this: Heart rate. That is for us to change"),
        ({"approved": ["email", "daily", "workout"]}, "Oura does not offer this to people who use Wellio: Heart rate."),
    ],
)
def test_what_only_we_can_fix_is_ours_and_no_link_is_offered(
    cast: Source, policy: dict[str, list[str]], saying: str
) -> None:
    policy_for("oura", OURA_POLICY | policy)
    assert saying in reply("ben") and OFFER not in reply("ben")


def test_a_waiver_is_respected_in_words_too(cast: Source) -> None:
    until = timezone.now().date() + timedelta(days=30)
    flow.waive(connection_of("ben"), "heartrate", until, act("He said no."), timezone.now())
    assert "You decided against this before: Heart rate." in reply("ben") and OFFER not in reply("ben")


def test_no_link_is_offered_where_it_is_not_certain_or_the_source_connects_no_one(cast: Source) -> None:
    assert "We are checking your connection to Oura" in reply("cy", uncertain=True)
    assert "cannot connect anybody to Oura" in reply("cy", unavailable=True)
    take_in(LinkChanged("oura", "ada-oura", LinkState.UNCONFIRMED, CONSENTED + timedelta(days=31)))
    assert "We are checking your connection to Oura" in reply("ada")
    for unsure in (reply("cy", uncertain=True), reply("cy", unavailable=True), reply("ada")):
        assert OFFER not in unsure


def test_no_reason_is_left_without_an_answer() -> None:
    """Whatever the reason, something stands between the greeting and the end, and it is not that all is well."""
    for code, reason in (SCOPE_REASONS | LINK_REASONS).items():
        for held in (False, None):
            said = reply_to(verdict(code, reason.remedy, held), about(successor="Google Health")).split("\n\n")
            assert len(said) > 2 and "everything that" not in said[1], code


def test_attempts_that_failed_name_the_box_or_the_administrator() -> None:
    failed = reply_to_failed(["missing_scopes"], about())
    assert "did not come to its end" in failed and "must stay ticked" in failed and OFFER in failed
    refused = reply_to_failed(["access_denied", ADMIN_CONSENT_REQUIRED], about())
    assert "only an administrator of your organisation" in refused and OFFER not in refused


def verdict(code: str, remedy: str, held: bool | None) -> Explanation:
    """A verdict for that reason, of the connection or of one scope."""
    of_link = code in LINK_REASONS
    fixable = REMEDIES[remedy].by_reauth
    line = ExplainedLine(
        ("heartrate",), "Heart rate", "required", held, (), code, remedy, fixable, None, True, (), True, ""
    )
    granted = ExplainedLine(("daily",), "Daily", OPTIONAL, True, (), "", "", False, None, True, (), True, "")
    return Explanation(
        health=Health.BROKEN if of_link else Health.BLOCKED,
        since=CONSENTED,
        since_at_least=True,
        helps=Helps.VERIFY if remedy == "verify" else Helps.YES if fixable else Helps.NO,
        link_reason=code if of_link else "",
        link_remedy=remedy if of_link else "",
        link_evidence=(),
        lines=(granted,) if of_link else (granted, line),
        working=(),
        failing=(),
        uncertain=(),
        headline="",
        sentences=(),
    )
