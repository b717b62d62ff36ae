"""Messages that wait are stopped once their link is fixed or ended, or the person may not be written to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from scopes.models import Message


class Why(StrEnum):
    """Why a message was stopped, as it is stored."""

    FIXED = "fixed"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    RETURNED = "returned"
    DO_NOT_CONTACT = "do_not_contact"
    NO_ADDRESS = "no_address"
    ADDRESS_REFUSED = "address_refused"


def stop_messages(of: Q, why: Why, now: datetime) -> int:
    """Stop those messages `of` some links that wait to be sent; how many."""
    waiting = Message.objects.filter(of, state=Message.State.WAITING)
    return waiting.update(state=Message.State.STOPPED, detail=why.value, ended_at=now)
