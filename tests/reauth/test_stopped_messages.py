"""Only what waits is stopped, and only of the links that are meant."""

from __future__ import annotations

import pytest
from django.db.models import Q

from scopes.models import Message
from scopes.reauth.stopped_messages import Why, stop_messages
from tests import cast
from tests.cast import NOW
from tests.reauth.hands import after, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


def test_what_was_sent_stays_and_the_others_links_too() -> None:
    ben, cy = send(cast.the("Ben")).link, send(cast.the("Cy")).link
    at = {"created_at": NOW, "due_at": NOW}
    Message.objects.create(link=ben, state="sent", sent_at=NOW, **at)
    waits = Message.objects.create(link=ben, number=2, **at)
    other = Message.objects.create(link=cy, **at)

    assert stop_messages(Q(link=ben), Why.WITHDRAWN, after(1)) == 1

    assert list(ben.messages.order_by("number").values_list("state", flat=True)) == ["sent", "stopped"]
    waits.refresh_from_db()
    other.refresh_from_db()
    assert (waits.detail, waits.ended_at, other.state) == ("withdrawn", after(1), "waiting")
