"""How far a link and its mail have got, in the agents' words."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.channels.tracking import COMPLAINED
from scopes.models import Message, ReauthLink
from scopes.reauth.link_status import LinkStatus, status_of
from scopes.reauth.stopped_messages import Why

State = Message.State


def link_state(link: ReauthLink, now: datetime) -> tuple[str, str]:
    """The link's status: the words, and the tone of their chip."""
    status = status_of(link, now)
    if status in _ENDED:
        words, tone = _ENDED[status]
        return str(words), tone
    if link.outcome:
        return gettext("%(outcome)s, still open") % {"outcome": link.get_outcome_display()}, "warn"
    for at, words in (
        (link.returned_at, _("Returned, waiting for confirmation")),
        (link.redirected_at, _("Went to the provider")),
        (link.opened_at, _("Opened")),
    ):
        if at:
            return str(words), "wait"
    return gettext("Not opened yet"), "wait"


def message_state(message: Message) -> tuple[str, str]:
    """The state of a link's mail: the words, and the tone of their chip."""
    if message.state == State.ARRIVED and message.detail == COMPLAINED:
        return gettext("Arrived, and was reported as spam"), "bad"
    words, tone = _STATES[State(message.state)]
    detail = ""
    if message.state == State.STOPPED:
        detail = f": {WHY[Why(message.detail)]}"
    elif message.state == State.BOUNCED:
        detail = f" ({message.detail})"
    return f"{words}{detail}", tone


_ENDED = {
    LinkStatus.FIXED: (_("Fixed"), "good"),
    LinkStatus.WITHDRAWN: (_("Withdrawn"), "quiet"),
    LinkStatus.SUPERSEDED: (_("Replaced by a newer link"), "quiet"),
    LinkStatus.EXPIRED: (_("Expired"), "quiet"),
}
_STATES = {
    State.WAITING: (_("Waiting to be sent"), "wait"),
    State.SENDING: (_("Being sent"), "wait"),
    State.SENT: (_("Sent"), "wait"),
    State.ARRIVED: (_("Arrived"), "good"),
    State.BOUNCED: (_("Never arrived"), "bad"),
    State.UNCERTAIN: (_("Uncertain whether it was sent"), "warn"),
    State.STOPPED: (_("Not sent"), "quiet"),
}
# Why no mail was sent, in words that go on a sentence.
WHY = {
    Why.FIXED: _("it was fixed before"),
    Why.WITHDRAWN: _("the link was withdrawn"),
    Why.SUPERSEDED: _("there is a newer link"),
    Why.EXPIRED: _("the link had expired"),
    Why.RETURNED: _("the person used the link before"),
    Why.DO_NOT_CONTACT: _("the person is marked “Do not contact”"),
    Why.NO_ADDRESS: _("the person has no e-mail address"),
    Why.ADDRESS_REFUSED: _("an earlier mail to this address never arrived, or was reported as spam"),
}
