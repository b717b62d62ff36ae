"""What a mail service reports of a message counts by its time, in whatever order it comes."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from scopes.channels.addresses import digests_of, keys_from
from scopes.channels.tracking import MailReport
from scopes.models import Message
from scopes.reauth.messages import address_troubles
from scopes.reauth.stopped_messages import Why
from scopes.reauth.tracked import record_reports
from tests import cast
from tests.cast import NOW
from tests.reauth.hands import after, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

KEYS = keys_from("a secret")


TIMES: dict[str, dict[str, Any]] = {"sent": {"sent_at": NOW}, "uncertain": {"ended_at": NOW, "detail": "cut_off"}}


def message(state: str = "sent", **more: Any) -> Message:
    (digest,) = digests_of("ben@example.com", KEYS)
    of = {"link": send(cast.the("Ben")).link, "state": state, "address_digest": digest}
    times = {"created_at": NOW, "due_at": NOW, "claimed_at": NOW, **TIMES.get(state, {})}
    made = Message.objects.create(**of, **times, **more)
    made.refresh_from_db()
    return made


def reported(what: str, minutes: float, of: Message, **more: Any) -> MailReport:
    return MailReport(what, after(minutes), of.public_id, **more)


def stood(of: Message) -> tuple[Any, ...]:
    of.refresh_from_db()
    return of.state, of.detail, of.sent_at, of.ended_at


def test_the_newest_report_counts_in_whatever_order_they_come() -> None:
    of = message()
    reports = [
        reported("sent", 1, of),
        reported("arrived", 2, of),
        reported("bounced", 3, of, detail="bounced", blames_address=True),
    ]
    for order in permutations(reports):
        Message.objects.filter(pk=of.pk).update(state="sent", detail="", ended_at=None)
        assert [record_reports([one]) for one in order] == [1, 1, 1]
        assert stood(of) == ("bounced", "bounced", NOW, after(3))
    assert record_reports(reports[::-1]) == 3 and stood(of)[0] == "bounced"
    assert record_reports([reported("arrived", 4, of)]) == 1
    assert stood(of) == ("arrived", "", NOW, after(4)), "a soft bounce, after which it was delivered"


def test_an_arrival_that_was_before_our_own_clock_counts() -> None:
    of = message()
    record_reports([reported("arrived", -1, of)])
    assert stood(of) == ("arrived", "", NOW, after(-1))


@pytest.mark.parametrize("state", ["waiting", "sending", "uncertain"])
def test_a_report_proves_that_it_was_sent_whatever_we_know(state: str) -> None:
    of = message(state)
    record_reports([reported("sent", 1, of)])
    assert stood(of) == ("sent", "", after(1), None)
    record_reports([reported("arrived", 2, of)])
    assert stood(of) == ("arrived", "", after(1), after(2))


def test_a_message_is_named_by_the_services_own_id_too() -> None:
    of = message(tracking_id="at-postmark")
    assert record_reports([MailReport("arrived", after(1), tracking_id="at-postmark")]) == 1
    assert stood(of)[0] == "arrived"


def test_reports_of_mails_that_are_not_ours_change_nothing() -> None:
    of = message()
    assert record_reports([MailReport("bounced", after(1), tracking_id="another"), MailReport("bounced", NOW)]) == 0
    assert stood(of) == ("sent", "", NOW, None)


@pytest.mark.parametrize(
    ("report", "troubled"),
    [
        ({"what": "bounced", "blames_address": True}, True),
        ({"what": "bounced", "detail": "blocked"}, False),
        ({"what": "complained"}, True),
        ({"what": "arrived"}, False),
    ],
)
def test_whether_the_address_is_written_to_again(report: dict[str, Any], troubled: bool) -> None:
    of = message()
    record_reports([MailReport(at=NOW + timedelta(minutes=1), public_id=of.public_id, **report)])
    ben = cast.the("Ben")
    assert address_troubles([ben], KEYS) == ({ben.pk: Why.ADDRESS_REFUSED} if troubled else {})
