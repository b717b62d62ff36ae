"""A link opens with its own secret, may be pressed a few times an hour, and keeps the first return."""

from __future__ import annotations

import pytest

from scopes.models import Attempt, Source
from scopes.reauth import landing
from scopes.reauth.issue import withdraw
from scopes.reauth.link_status import LinkEnded, LinkStatus
from tests.cast import the
from tests.reauth.hands import NOW, act, after, press, send

pytestmark = pytest.mark.usefixtures("cast")


def test_the_first_look_is_noted_and_no_later_one() -> None:
    link = send(the("ben")).link
    landing.opened(link, after(1))
    link.refresh_from_db()
    landing.opened(link, after(2))
    link.refresh_from_db()
    assert link.opened_at == after(1)


def test_a_press_counts_for_an_hour_unless_it_led_nowhere() -> None:
    link = send(the("ben")).link
    landing.not_minted(press(link, ""), "Terra is down.", NOW)
    for minutes in range(landing.PRESSES):
        press(link, f"id-{minutes}", after(minutes))
    with pytest.raises(landing.TooManyPresses):
        press(link, "too-many", after(59))
    press(link, "after-an-hour", NOW + landing.HOUR)


def test_a_press_of_a_link_that_was_withdrawn_says_so_and_leaves_nothing() -> None:
    link = send(the("ben")).link
    withdraw(link, act("Wrong ticket."), NOW)
    with pytest.raises(LinkEnded) as ended:
        press(link, "new-ben", after(1))
    assert ended.value.status is LinkStatus.WITHDRAWN and not Attempt.objects.exists()


def test_an_attempt_is_found_by_its_key_and_never_without_a_link() -> None:
    attempt = press(send(the("ben")).link, "new-ben")
    assert landing.attempt_by(attempt.key) == attempt
    Attempt.objects.update(link=None)
    assert landing.attempt_by(attempt.key) is None


def test_the_first_return_is_kept_within_bounds() -> None:
    attempt = press(send(the("ben")).link, "new-ben")
    flood = {"reason": ["a\x00b", "c" * 999, "third", "fourth"], **{f"p{number}": ["x"] for number in range(99)}}
    landing.returned(attempt, "failure", flood, after(1))
    landing.returned(attempt, "success", {}, after(2))
    attempt.refresh_from_db()
    kept = attempt.returned or {}
    assert (kept["at"], kept["end"]) == (after(1).isoformat(), "failure")
    assert kept["parameters"]["reason"] == ["a\ufffdb", "c" * landing.LONGEST_VALUE, "third"]
    assert len(kept["parameters"]) == landing.MOST_PARAMETERS


@pytest.mark.parametrize(
    ("end", "parameters", "reason"),
    [
        ("failure", {"reason": ["missing_scopes"], "error": ["other"]}, "missing_scopes"),
        ("success", {"error": ["access_denied"]}, "access_denied"),
        ("failure", {}, ""),
        ("success", {"user_id": ["new-ben"]}, None),
    ],
)
def test_a_redirect_reports_a_failure_by_its_reason_or_its_end(
    end: str, parameters: dict[str, list[str]], reason: str | None
) -> None:
    attempt = Attempt(returned={"at": NOW.isoformat(), "end": end, "parameters": parameters})
    assert landing.reported_by_redirect(attempt) == reason
    assert landing.reported_by_redirect(Attempt()) is None


def test_a_link_opens_with_its_own_secret_only(cast: Source) -> None:
    ben, cy = send(the("ben")), send(the("cy"))
    assert landing.find(ben.link.public_id, ben.secret) == ben.link
    for public_id, secret in (
        (ben.link.public_id, cy.secret),
        (ben.link.public_id, ""),
        (ben.link.public_id, ben.secret + "x"),
        ("made-up", ben.secret),
    ):
        assert landing.find(public_id, secret) is None
