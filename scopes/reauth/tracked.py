"""What a mail service reports of messages that it sent: it arrived, it bounced, its reader complained of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from scopes.channels.tracking import ARRIVED, BOUNCED, COMPLAINED, SENT, MailReport
from scopes.models import Message
from scopes.models.transactions import in_transaction

State = Message.State
# Of reports of the same moment the last of these counts.
RANK = (SENT, ARRIVED, COMPLAINED, BOUNCED)


@in_transaction
def record_reports(reports: Sequence[MailReport]) -> int:
    """Record what happened to messages of ours; how many reports were of such. The newest counts, in whatever order."""
    named = Q(public_id__in={one.public_id for one in reports if one.public_id})
    named |= Q(tracking_id__in={one.tracking_id for one in reports if one.tracking_id}) & ~Q(tracking_id="")
    found = list(Message.objects.select_for_update().filter(named).exclude(state=State.STOPPED).order_by("pk"))
    by_id = {message.public_id: message for message in found}
    by_tracking_id = {message.tracking_id: message for message in found if message.tracking_id}
    known = 0
    for report in sorted(reports, key=lambda one: (one.at, RANK.index(one.what))):
        message = by_id.get(report.public_id) if report.public_id else None
        message = message or by_tracking_id.get(report.tracking_id)
        if message is not None:
            known += 1
            _apply(message, report)
    Message.objects.bulk_update(found, ["state", "detail", "sent_at", "ended_at", "address_digest"])
    return known


def _apply(message: Message, report: MailReport) -> None:
    if report.what == SENT:
        if message.state in (State.WAITING, State.SENDING, State.UNCERTAIN):
            message.state, message.detail, message.sent_at, message.ended_at = State.SENT, "", report.at, None
        return
    if message.state in (State.ARRIVED, State.BOUNCED) and message.ended_at is not None:
        before = BOUNCED if message.state == State.BOUNCED else COMPLAINED if message.detail == COMPLAINED else ARRIVED
        if (message.ended_at, RANK.index(before)) >= (report.at, RANK.index(report.what)):
            return
    message.ended_at = report.at
    if report.what == BOUNCED:
        message.state, message.detail = State.BOUNCED, report.detail[:40] or BOUNCED
        message.address_digest = message.address_digest if report.blames_address else ""
    else:
        message.state, message.sent_at = State.ARRIVED, message.sent_at or report.at
        message.detail = COMPLAINED if report.what == COMPLAINED else ""
