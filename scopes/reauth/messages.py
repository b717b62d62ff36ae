"""Messages that bring links: queued with their link, and sent one by one by the queue's job, each once.

A message is claimed, and its link given a further secret, in a transaction that commits before anything is said to the
mail server. One that was cut off after that is uncertain, and is not sent again by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q
from django.utils import translation

from scopes import queue
from scopes.channels.addresses import digests_of
from scopes.channels.email import Answer, Line, Mail, Result, Sender
from scopes.channels.tracking import COMPLAINED
from scopes.models import Connection, Message, Move, Person, ReauthLink
from scopes.models.transactions import in_transaction
from scopes.reauth import consent_text
from scopes.reauth.contact import mark_of
from scopes.reauth.issue import add_secret
from scopes.reauth.link_status import LinkEnded, LinkStatus, status_of
from scopes.reauth.mail_text import mail_text
from scopes.reauth.progress import connection_of, judgement_of, missing
from scopes.reauth.public_address import mailed_address
from scopes.reauth.stopped_messages import Why

SECONDS = 50.0
TOGETHER = 100
CUT_OFF = timedelta(minutes=10)  # far longer than a mail server is waited for
ATTEMPTS = 12
# Minutes until the next attempt where a mail was not taken; after the last of them, the same again.
PAUSES = (1, 5, 15, 30, 60)

State = Message.State
Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


class CannotQueue(Exception):
    """No message can be sent with this link; `why` says why not."""

    def __init__(self, why: Why) -> None:
        self.why = why
        super().__init__(why.value)


@dataclass(frozen=True, slots=True)
class Mailing:
    """How mails are sent: from whom, for which host, and at most how many reminders, so many days apart.

    `keys` hash addresses: see `channels.addresses`.
    """

    sender: Sender
    host: str
    keys: Sequence[bytes]
    reminders: int
    reminder_days: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send."""

    pk: int
    number: int
    attempts: int
    link: ReauthLink
    mail: Mail


@in_transaction
def queue_message(link: ReauthLink, now: datetime, due_at: datetime | None = None) -> Message:
    """The link's next message, sent from `due_at` on, or soon; no further one while one waits or is being sent.

    One that waits is sent then, if that is earlier. Raises LinkEnded, and CannotQueue without an e-mail address.
    """
    locked = ReauthLink.objects.select_for_update(no_key=True, of=("self",)).select_related("person").get(pk=link.pk)
    status = status_of(locked, now)
    if status is not LinkStatus.LIVE:
        raise LinkEnded(status)
    if not locked.person.email:
        raise CannotQueue(Why.NO_ADDRESS)
    due_at = due_at or now
    message = locked.messages.filter(state__in=(State.WAITING, State.SENDING)).first()
    if message is None:
        last = locked.messages.aggregate(last=Max("number"))["last"] or 0
        message = Message.objects.create(link=locked, number=last + 1, created_at=now, due_at=due_at)
    elif message.state == State.WAITING and due_at < message.due_at:
        message.due_at = due_at
        message.save(update_fields=["due_at"])
    if due_at <= now:
        _send_soon()
    return message


def address_troubles(people: Sequence[Person], keys: Sequence[bytes]) -> Mapping[int, Why]:
    """Why no mail can go to them, by person, without those to whom it can; one query."""
    digests = {person.pk: digests_of(person.email, keys) for person in people if person.email}
    refused = _refused([digest for several in digests.values() for digest in several])
    troubles = {person.pk: Why.NO_ADDRESS for person in people if not person.email}
    return troubles | {pk: Why.ADDRESS_REFUSED for pk, several in digests.items() if not refused.isdisjoint(several)}


def send_due(mailing: Mailing, clock: Clock, *, seconds: float = SECONDS) -> bool:
    """Send what is due, beginning nothing after `seconds`; whether more of it may be due.

    Without a connection to the mail server nothing is claimed: it waits.
    """
    ends = time.monotonic() + seconds
    end_cut_off(clock())
    with Line(mailing.sender) as line:
        while due := _due(clock()):
            for pk, link in due:
                if time.monotonic() > ends:
                    return True
                if not line.open():
                    return False
                try:
                    claimed = claim(pk, link, mailing, clock())
                except Exception as problem:  # noqa: BLE001 - one that cannot be written must not keep the others
                    log.warning("message %s cannot be written, and waits: %s", pk, type(problem).__name__)
                    _postpone(pk, clock())
                    continue
                if claimed is not None:
                    record(claimed, line.send(claimed.mail), mailing, clock())
    return False


def end_cut_off(now: datetime) -> int:
    """Messages whose sender was cut off are uncertain; how many."""
    cut_off = Message.objects.filter(state=State.SENDING, claimed_at__lt=now - CUT_OFF)
    return cut_off.update(state=State.UNCERTAIN, detail="cut_off", ended_at=now)


@in_transaction
def claim(pk: int, link_pk: int, mailing: Mailing, now: datetime) -> Claimed | None:
    """The message, ours to send from now on, with a secret of its own; None where it is not to be sent (any more)."""
    links = ReauthLink.objects.select_related(
        "person", "integration__provider", "integration__source", "integration__policy_version"
    )
    link = links.select_for_update(no_key=True, of=("self",)).filter(pk=link_pk).first()
    message = Message.objects.select_for_update().filter(pk=pk, state=State.WAITING, due_at__lte=now).first()
    if link is None or message is None:
        return None
    lacking = _lacking(link)
    digests = digests_of(link.person.email, mailing.keys)
    if why := _why_not(message, link, lacking, digests, now):
        message.state, message.detail, message.ended_at = State.STOPPED, why.value, now
        message.save(update_fields=["state", "detail", "ended_at"])
        return None
    message.state, message.detail, message.claimed_at = State.SENDING, "", now
    message.attempts += 1
    message.address_digest = digests[0]
    message.save(update_fields=["state", "detail", "claimed_at", "attempts", "address_digest"])
    return Claimed(message.pk, message.number, message.attempts, link, _mail(message, link, lacking, mailing))


@in_transaction
def record(claimed: Claimed, answer: Answer, mailing: Mailing, now: datetime) -> None:
    """Store what came of a claimed message, unless a report of it came first; have its reminder wait."""
    changes: dict[str, Any] = {"detail": answer.detail, "tracking_id": answer.tracking_id}
    match answer.result:
        case Result.TAKEN:
            changes |= {"state": State.SENT, "sent_at": now}
        case Result.UNKNOWN:
            changes |= {"state": State.UNCERTAIN, "ended_at": now}
        case Result.NOT_TAKEN if claimed.attempts < ATTEMPTS:
            pause = timedelta(minutes=PAUSES[min(claimed.attempts, len(PAUSES)) - 1])
            changes |= {"state": State.WAITING, "due_at": now + pause}
        case _:
            changes |= {"state": State.BOUNCED, "ended_at": now, "detail": answer.detail or "not_taken"}
            if not answer.blames_address:
                changes["address_digest"] = ""
    Message.objects.filter(pk=claimed.pk, state=State.SENDING).update(**changes)
    if answer.result is Result.TAKEN:
        _remind(claimed, mailing, now)


def _due(now: datetime) -> list[tuple[int, int]]:
    """Messages that are due, the longest first, with their links."""
    waiting = Message.objects.filter(state=State.WAITING, due_at__lte=now).order_by("due_at", "pk")
    return list(waiting.values_list("pk", "link_id")[:TOGETHER])


def _postpone(pk: int, now: datetime) -> None:
    later = now + timedelta(minutes=PAUSES[-1])
    Message.objects.filter(pk=pk, state=State.WAITING).update(due_at=later)


def _why_not(
    message: Message, link: ReauthLink, lacking: Sequence[str], digests: Sequence[str], now: datetime
) -> Why | None:
    """Why the message is not sent after all."""
    mark = mark_of(link.person, now)
    status = status_of(link, now)
    reasons = (
        (Why.FIXED, bool(link.needs) and not lacking),
        (Why.RETURNED, link.returned_at is not None and link.returned_at > message.created_at),
        # A lead may have decided otherwise after the mark was set.
        (Why.DO_NOT_CONTACT, mark is not None and mark.created_at > message.created_at),
        (Why.NO_ADDRESS, not link.person.email),
        (Why.ADDRESS_REFUSED, bool(_refused(digests))),
    )
    if status is not LinkStatus.LIVE:
        return Why(status.value)
    return next((why for why, applies in reasons if applies), None)


def _lacking(link: ReauthLink) -> tuple[str, ...]:
    """The needs of the link that nothing has fixed yet, through this link or otherwise."""
    theirs = Connection.objects.filter(person=link.person_id, integration=link.integration_id, merged_into__isnull=True)
    connection = connection_of(link) or theirs.select_related("standing").order_by("-pk").first()
    if connection is None and _moved_elsewhere(link):
        return ()
    return missing(link.needs, judgement_of(connection) if connection else None)


def _moved_elsewhere(link: ReauthLink) -> bool:
    """Whether the person has moved to this provider already, through another source."""
    provider = link.integration.provider_id
    return Move.objects.filter(old__person=link.person_id, new__integration__provider=provider).exists()


def _refused(digests: Sequence[str]) -> set[str]:
    """Those of the addresses that refused a mail, or whose owner complained of one."""
    refused = Q(state=State.BOUNCED) | Q(detail=COMPLAINED)
    return set(Message.objects.filter(refused, address_digest__in=digests).values_list("address_digest", flat=True))


def _mail(message: Message, link: ReauthLink, lacking: Sequence[str], mailing: Mailing) -> Mail:
    """The mail, in the language of the link, with a secret that is in nothing else."""
    url = mailed_address("reauth_landing", link.public_id, add_secret(link))
    sent = link.messages.filter(sent_at__isnull=False).order_by("number").values_list("sent_at", flat=True)
    with translation.override(link.language):
        consent = consent_text.for_link(link, lacking, mailing.host)
        written = mail_text(
            consent, name=link.person.name, url=url, expires_at=link.expires_at, first_sent_at=sent.first()
        )
    return Mail(link.person.email, written.subject, written.text, written.html, link.language, message.public_id)


def _remind(claimed: Claimed, mailing: Mailing, now: datetime) -> None:
    """Have a reminder wait, unless there were enough, or the link ends before."""
    due_at = now + timedelta(days=mailing.reminder_days)
    if claimed.number > mailing.reminders or due_at >= claimed.link.expires_at or mark_of(claimed.link.person, now):
        return
    reminder = Message(link=claimed.link, number=claimed.number + 1, created_at=now, due_at=due_at)
    Message.objects.bulk_create([reminder], ignore_conflicts=True)


def _send_soon() -> None:
    """Have a worker send it at once; without the queue it is sent within a minute of its return."""
    try:
        queue.defer("send_messages")
    except queue.QueueError as problem:
        log.warning("a message waits for the next run: %s", problem)
