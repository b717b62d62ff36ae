"""A campaign is drafted, started, paused and ended, each time with a reason."""

from __future__ import annotations

import pytest

from scopes.models import Source, TrailEntry
from scopes.reauth.campaigns import acts
from scopes.reauth.campaigns.acts import CannotRun, Plan
from tests.cast import NOW
from tests.reauth.campaigns.running import drafted, go_on, started
from tests.reauth.hands import act, after

pytestmark = pytest.mark.django_db


def test_each_act_is_in_the_activity_log(cast: Source) -> None:
    campaign = started()
    acts.pause(campaign, act("Too many questions."), after(1))
    acts.end(campaign, act("Enough.", "T-3"), after(2))
    entries = TrailEntry.objects.filter(subject=f"campaign {campaign.pk}").order_by("pk")
    assert [(entry.action, entry.reason) for entry in entries] == [
        ("Campaign drafted", "Recovery needs it."),
        ("Campaign started", "Asked on the phone."),
        ("Campaign paused", "Too many questions."),
        ("Campaign ended", "Enough."),
    ]


def test_what_was_started_first_is_kept_and_the_pace_begins_anew(cast: Source) -> None:
    campaign = started()
    acts.pause(campaign, act(), after(1))
    acts.start(campaign, act(), after(90))
    campaign.refresh_from_db()
    assert (campaign.started_at, campaign.paced_from) == (NOW, after(90))


def test_what_cannot_be_done_is_refused(cast: Source) -> None:
    unweighed = acts.draft(Plan("All", 7, 60), act(), NOW)
    with pytest.raises(CannotRun, match="preflight"):
        acts.start(unweighed, act(), NOW)
    with pytest.raises(CannotRun, match="running"):
        acts.pause(drafted(), act(), NOW)
    done = go_on(started(), NOW)
    for doing in (acts.start, acts.end):
        with pytest.raises(CannotRun, match="already done"):
            doing(done, act(), NOW)
