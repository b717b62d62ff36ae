"""Create the links of running campaigns and queue their messages, at each campaign's pace.

A batch is one transaction: its links, its messages and the state of its recipients are there together or not at all.
So a sender that is killed leaves nobody in doubt, and the next one goes on with who still waits. What happens to a
message that is being sent is the message's own state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from scopes.models import Campaign, Message, Person, Recipient
from scopes.models.arrays import numbers
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.reauth.campaigns import audience
from scopes.reauth.campaigns.audience import Limits
from scopes.reauth.issue import Issued, Wish, create
from scopes.reauth.languages import language_of
from scopes.reauth.link_status import live_links
from scopes.reauth.target import Target

BATCH = 200
HOUR = timedelta(hours=1)
AHEAD = timedelta(minutes=1)
"""A campaign begins as if it had run for a minute, so that its first links are created at once."""

State = Recipient.State


def campaigns_due() -> list[int]:
    """The campaigns that have something to do: an audience to record and weigh, or links to create."""
    unweighed = Q(state=Campaign.State.DRAFT, weighed_at__isnull=True)
    due = Campaign.objects.filter(Q(state=Campaign.State.RUNNING) | unweighed)
    return list(due.order_by("pk").values_list("pk", flat=True))


def go_on(campaign: Campaign, clock: Callable[[], datetime], has_time: Callable[[], bool], limits: Limits) -> None:
    """Do what the campaign has to do now, while there is time. Repeat it each minute."""
    audience.record(campaign, clock())
    audience.weigh(campaign, clock, has_time, limits)
    while has_time():
        if not _send_some(campaign.pk, clock(), limits):
            return


@in_transaction
def _send_some(pk: int, now: datetime, limits: Limits) -> int:
    """Take a batch of those who wait, and send to whom a link would still help; how many were taken.

    The campaign's row is locked, so that two senders keep one pace, and a pause is obeyed by the next batch.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=pk)
    if campaign.state != Campaign.State.RUNNING:
        return 0
    waiting = audience.waiting_in(pk, State.WAITING)
    room = room_of(campaign, now)
    people = list(waiting.values_list("person", flat=True)[: min(room, BATCH)])
    if not people:
        if not room or waiting.exists():
            return 0
        campaign.state, campaign.ended_at = Campaign.State.DONE, now
        campaign.save(update_fields=["state", "ended_at"])
        act_of(campaign).entry("campaign.done", now, subject=f"campaign {pk}", detail={"campaign": pk}).save()
        return 0
    # Before their recipients are read: who is being erased meanwhile is gone by then.
    list(Person.objects.select_for_update(no_key=True).filter(pk__in=people).order_by("pk").values_list("pk"))
    rows = list(waiting.filter(person__in=people)[: min(room, BATCH)])
    if rows:
        _send(campaign, rows, now, limits)
    return len(people)


def room_of(campaign: Campaign, now: datetime) -> int:
    """How many links the campaign may create now: evenly since it was started, and never more than so many an hour."""
    assert campaign.paced_from is not None
    evenly = max(1, int(campaign.per_hour * (now - campaign.paced_from + AHEAD) / HOUR))
    within_the_hour = Recipient.objects.filter(campaign=campaign, state=State.SENT, sent_at__gt=now - HOUR).count()
    return max(0, min(evenly - campaign.paced, campaign.per_hour - within_the_hour))


def _send(campaign: Campaign, rows: Sequence[Recipient], now: datetime, limits: Limits) -> None:
    targets = audience.targets_for(campaign, rows, now, limits)
    obstacles = audience.obstacles_of(rows, targets, limits)
    sent = [(row, target) for row, target, code in zip(rows, targets, obstacles, strict=True) if target and not code]
    states = [_state(code) for code in obstacles]
    codes = [code if state is State.LEFT_OUT else "" for code, state in zip(obstacles, states, strict=True)]
    if sent:
        issued = create([(target, _wish(campaign, target)) for _, target in sent], now)
        _queue(issued, now)
        _note_sent([row for row, _ in sent], issued, now)
        campaign.paced += len(sent)
        campaign.save(update_fields=["paced"])
    others = [place for place, code in enumerate(obstacles) if code]
    if others:
        audience.write(
            [rows[place] for place in others],
            [targets[place] for place in others],
            [states[place] for place in others],
            [codes[place] for place in others],
        )


def _state(obstacle: str) -> State:
    """The state of somebody at their turn."""
    if not obstacle:
        return State.SENT
    return State.LEFT if obstacle in audience.FIXED else State.LEFT_OUT


def act_of(campaign: Campaign) -> Act:
    """What the campaign does is done in the name of who made it, for their reason."""
    return Act(None, campaign.reason, campaign.ticket, by=campaign.author)


def _wish(campaign: Campaign, target: Target) -> Wish:
    language = language_of(campaign.language, target.person.locale)
    return Wish(act_of(campaign), language, campaign.days, campaign=campaign.pk)


@in_transaction
def send_uncertain_again(campaign: Campaign, act: Act, now: datetime) -> int:
    """Queue another message for each link that works and of which it is not known whether a mail went out; how many.

    Nothing does this by itself: the person may get two mails with links that both work.
    """
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    later = Message.objects.filter(link=OuterRef("link"), number__gt=OuterRef("number"))
    live = live_links(now).filter(recipient__campaign=campaign)
    again = list(Message.objects.filter(~Exists(later), link__in=live, state=Message.State.UNCERTAIN).order_by("pk"))
    Message.objects.bulk_create(
        Message(link_id=one.link_id, number=one.number + 1, created_at=now, due_at=now) for one in again
    )
    detail = {"campaign": campaign.pk, "messages": len(again)}
    act.entry("campaign.uncertain_sent_again", now, subject=f"campaign {campaign.pk}", detail=detail).save()
    return len(again)


def _queue(issued: Sequence[Issued], now: datetime) -> None:
    Message.objects.bulk_create(Message(link=one.link, created_at=now, due_at=now) for one in issued)


def _note_sent(rows: Sequence[Recipient], issued: Sequence[Issued], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE scopes_recipient r
            SET state = 'sent', link_id = new.link, integration_id = new.integration, sent_at = %s
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (id, link, integration)
            WHERE r.id = new.id
            """,
            [
                now,
                numbers(row.pk for row in rows),
                numbers(one.link.pk for one in issued),
                numbers(one.link.integration_id for one in issued),
            ],
        )
