"""The links of a campaign: once each, at its pace, to whom they still help at their turn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.models import Message, ReauthLink, Recipient, Source, TrailEntry
from scopes.reauth import contact
from scopes.reauth.campaigns import acts, sending
from scopes.reauth.campaigns.sending import campaigns_due
from scopes.rights.erase import erase
from tests.cast import NOW, take_in, the
from tests.reauth.campaigns.running import drafted, go_on, started, where
from tests.reauth.hands import EVERYTHING, act, after, consented

pytestmark = pytest.mark.django_db


def test_each_who_waits_gets_one_link_and_one_message(cast: Source) -> None:
    campaign = go_on(started(), NOW)

    assert {key for key, state in where(campaign).items() if state == "sent"} == {"ben-oura", "cy-oura", "eve-fitbit"}
    assert campaign.state == "done" and campaign.ended_at == NOW
    link = ReauthLink.objects.get(person=the("ben"))
    assert (link.author, link.reason, link.needs) == ("rex", "Recovery needs it.", ["heartrate"])
    assert (link.language, link.expires_at - link.created_at) == ("de", timedelta(days=14))
    assert [message.state for message in Message.objects.filter(link=link)] == ["waiting"]
    assert Recipient.objects.get(link=link).sent_at == NOW
    assert ReauthLink.objects.get(person=the("eve")).integration.provider.slug == "google_health"
    entry = TrailEntry.objects.get(verb="link.issued", person=the("ben"))
    assert (entry.actor_name, entry.detail["campaign"]) == ("rex", campaign.pk)


def test_a_campaign_in_one_language_writes_to_all_in_it(cast: Source) -> None:
    go_on(started(language="en"), NOW)
    assert ReauthLink.objects.get(person=the("ben")).language == "en"


def test_no_one_is_sent_to_twice_however_often_it_goes_on(cast: Source) -> None:
    campaign = go_on(started(), NOW)
    for minute in range(3):
        go_on(campaign, after(minute))
    assert ReauthLink.objects.count() == Message.objects.count() == 3


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_batch_that_is_cut_off_leaves_nothing_and_is_done_by_the_next(
    cast: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = started()
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_queue", killed)
        with pytest.raises(KeyboardInterrupt):
            go_on(campaign, NOW)
    assert not ReauthLink.objects.exists() and not Recipient.objects.filter(state="sent").exists()
    go_on(campaign, NOW)
    assert ReauthLink.objects.count() == 3


def test_who_is_fixed_before_their_turn_leaves_it(cast: Source) -> None:
    campaign = started()
    take_in(consented("ben-oura", EVERYTHING, "ben", NOW))
    contact.set_mark(the("cy"), act("No more mail."), NOW)

    go_on(campaign, after(1))

    assert where(campaign)["ben-oura"] == "left" and where(campaign)["cy-oura"] == "left_out dont_contact"
    assert not ReauthLink.objects.filter(person__in=[the("ben"), the("cy")]).exists()


def test_the_pace_is_even_and_never_more_than_so_many_an_hour(cast: Source) -> None:
    campaign = started(per_hour=1)
    links = ReauthLink.objects.all()
    counts = []
    for minutes in (0, 30, 59, 60, 119, 121):
        go_on(campaign, after(minutes))
        counts.append(links.count())
    assert counts == [1, 1, 1, 1, 2, 2]


def test_links_that_no_worker_created_in_time_do_not_come_all_at_once(cast: Source) -> None:
    campaign = started(per_hour=2)
    campaign.refresh_from_db()
    assert sending.room_of(campaign, after(600)) == 2


def test_a_paused_campaign_sends_nothing_until_it_is_started_again(cast: Source) -> None:
    campaign = started()
    acts.pause(campaign, act(), NOW)
    go_on(campaign, after(1))
    assert not ReauthLink.objects.exists() and campaigns_due() == []
    acts.start(campaign, act(), after(2))
    assert campaigns_due() == [campaign.pk]
    go_on(campaign, after(2))
    assert ReauthLink.objects.count() == 3


def test_who_was_erased_meanwhile_gets_nothing(cast: Source) -> None:
    campaign = started()
    erase("ref-ben", act(), [b"key"], NOW)
    assert go_on(campaign, NOW).state == "done"
    assert "ben-oura" not in where(campaign) and ReauthLink.objects.count() == 2


def test_what_is_uncertain_is_sent_again_only_where_somebody_says_so(cast: Source) -> None:
    campaign = go_on(started(), NOW)
    Message.objects.filter(link__person=the("ben")).update(state="uncertain", detail="cut_off", ended_at=NOW)
    Message.objects.filter(link__person=the("cy")).update(state="uncertain", detail="cut_off", ended_at=NOW)
    ReauthLink.objects.filter(person=the("cy")).update(withdrawn_at=NOW)
    go_on(campaign, after(1))
    assert Message.objects.count() == 3

    assert sending.send_uncertain_again(campaign, act("They wrote that nothing came."), after(2)) == 1

    assert Message.objects.get(number=2).link.person == the("ben")
    assert sending.send_uncertain_again(campaign, act(), after(3)) == 0, "the newest message is not uncertain"
    assert TrailEntry.objects.filter(verb="campaign.uncertain_sent_again").count() == 2


def test_a_draft_has_something_to_do_until_it_is_weighed(cast: Source) -> None:
    campaign = acts.draft(acts.Plan("All", 7, 60), act(), NOW)
    assert campaigns_due() == [campaign.pk]
    go_on(campaign, NOW)
    assert campaigns_due() == [] and not ReauthLink.objects.exists()
    assert drafted().state == "draft"
