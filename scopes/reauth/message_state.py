"""How far a message has got, in words for the desk."""

from __future__ import annotations

from scopes.channels.tracking import COMPLAINED
from scopes.models import Message
from scopes.reauth.stopped_messages import Why

State = Message.State


def message_state(message: Message) -> tuple[str, str]:
    """The message's state for the screen: the words, and a tone as of `link_status.link_state`."""
    if message.state == State.ARRIVED and message.detail == COMPLAINED:
        return "Arrived, and was reported as spam", "bad"
    words, tone = _STATES[State(message.state)]
    if message.state == State.STOPPED:
        return f"{words}: {WHY[Why(message.detail)]}", tone
    return (f"{words} ({message.detail})" if message.state == State.BOUNCED else words), tone


_STATES = {
    State.WAITING: ("Waiting to be sent", "wait"),
    State.SENDING: ("Being sent", "wait"),
    State.SENT: ("Sent", "wait"),
    State.ARRIVED: ("Arrived", "good"),
    State.BOUNCED: ("Never arrived", "bad"),
    State.UNCERTAIN: ("Uncertain whether it was sent", "warn"),
    State.STOPPED: ("Not sent", "quiet"),
}
WHY = {
    Why.FIXED: "it was fixed before",
    Why.WITHDRAWN: "the link was withdrawn",
    Why.SUPERSEDED: "there is a newer link",
    Why.EXPIRED: "the link had expired",
    Why.RETURNED: "the person used the link before",
    Why.DO_NOT_CONTACT: "the person is marked “Do not contact”",
    Why.NO_ADDRESS: "the person has no e-mail address",
    Why.ADDRESS_REFUSED: "an earlier mail to this address never arrived, or was reported as spam",
}
