"""How many are in each group of a campaign, and how far those have got who were sent a link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scopes.models import Message, ReauthLink, Source
from scopes.reauth import landing
from scopes.reauth.campaigns.numbers import groups_of, numbers_of, summed
from tests.cast import NOW, connection_of, take_in, the
from tests.reauth.campaigns.running import drafted, go_on, started
from tests.reauth.hands import EVERYTHING, after, consented, press, report

pytestmark = pytest.mark.django_db


def test_the_groups_of_a_draft(cast: Source) -> None:
    groups = groups_of(drafted())
    assert groups.by_state == {"left_out": 4, "waiting": 3}
    assert groups.by_obstacle == {"not_needed": 3, "on_device": 1}
    assert groups.total == 7


def reached(rows: list[dict[str, Any]]) -> dict[str, int]:
    ((_, counts),) = summed(rows, lambda row: "all")
    return {step: number for step, number in counts.items() if number}


def test_each_step_is_counted_of_those_who_reached_it(cast: Source) -> None:
    campaign = go_on(started(), NOW)
    assert reached(numbers_of(campaign, NOW)) == {"links": 3}
    link = ReauthLink.objects.get(person=the("ben"))
    Message.objects.filter(link=link).update(state="arrived", sent_at=NOW, ended_at=NOW)
    of_cy = Message.objects.filter(link__person=the("cy"))
    of_cy.update(state="bounced", detail="550", sent_at=NOW, ended_at=NOW)
    landing.opened(link, after(1))
    attempt = press(link, "ben-oura", after(2))
    ReauthLink.objects.filter(pk=link.pk).update(redirected_at=after(2))
    landing.returned(attempt, "success", {}, after(3))
    report(consented("ben-oura", EVERYTHING, "ben", after(4)))

    assert reached(numbers_of(campaign, after(0.5))) == {"links": 3}, "counted at most once a minute"
    rows = numbers_of(campaign, after(5))
    assert reached(rows) == {
        "links": 3, "mailed": 2, "arrived": 1, "bounced": 1, "opened": 1, "pressed": 1, "returned": 1, "fixed": 1,
    }  # fmt: skip
    assert sorted(row["reason"] for row in rows) == ["declined", "provider_retired", "revoked"]
    assert {row["day"] for row in rows} == {NOW.date().isoformat()}
    by_provider = dict(summed(rows, lambda row: row["integration"]))
    assert by_provider[connection_of("ben").integration_id]["links"] == 2


def test_fixed_another_way_and_never_returned(cast: Source) -> None:
    campaign = go_on(started(), NOW)
    take_in(consented("ben-oura", EVERYTHING, "ben", after(1)), now=after(1))
    assert reached(numbers_of(campaign, after(2))) == {"links": 3, "fixed_otherwise": 1}
    late = NOW + timedelta(days=15)
    assert reached(numbers_of(campaign, late)) == {"links": 3, "fixed_otherwise": 1, "never_returned": 2}
