"""A message is sent once, with a secret of its own, and not at all once it is no longer needed or wanted."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from scopes.channels import email
from scopes.channels.addresses import digests_of, keys_from
from scopes.channels.email import Answer, Result, Sender
from scopes.models import Message, Person, ReauthLink, Source
from scopes.reauth import contact, landing, messages
from scopes.reauth.issue import withdraw
from scopes.reauth.link_status import LinkEnded
from scopes.reauth.mail_text import MailText
from scopes.reauth.messages import ATTEMPTS, CUT_OFF, CannotQueue, Mailing, address_troubles, queue_message, send_due
from scopes.reauth.stopped_messages import Why
from tests import cast
from tests.cast import NOW
from tests.reauth.hands import EVERYTHING, act, after, consented, press, replaced, report, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast", "by_mail")]

KEYS = keys_from("a secret")
MAILING = Mailing(Sender("Vitalog <support@vitalog.example>"), "Vitalog", KEYS, reminders=1, reminder_days=3)
DAY = timedelta(days=1)


@pytest.fixture
def by_mail(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    settings.PORTAL_URL = "https://portal.example"


def sent_at(now: datetime = NOW, mailing: Mailing = MAILING) -> list[str]:
    """Send what is due; whom mails went to."""
    before = len(mail.outbox)
    assert not send_due(mailing, lambda: now)
    return [one.to[0] for one in mail.outbox[before:]]


def states(link: ReauthLink) -> list[tuple[str, str]]:
    return list(link.messages.order_by("number").values_list("state", "detail"))


def secret_in(body: str) -> str:
    found = re.search(r"https://portal\.example/r/[\w-]+/([\w-]{43})", body)
    assert found is not None
    return found[1]


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Answer]) -> None:
    monkeypatch.setattr(email.Line, "send", lambda _line, _mail: answer())


def test_a_message_is_sent_in_the_persons_language_with_a_secret_that_is_stored_nowhere() -> None:
    issued = send(cast.the("Ben"), language="de")
    with CaptureQueriesContext(connection) as queries:
        message = queue_message(issued.link, NOW)
        assert sent_at() == ["ben@example.com"]

    (written,) = mail.outbox
    secret = secret_in(str(written.body))
    assert written.subject == "Vitalog: Oura neu verbinden"
    assert "Hallo Ben," in written.body and secret != issued.secret
    for one in (secret, issued.secret):
        assert landing.find(issued.link.public_id, one) == issued.link
    assert not [query for query in queries if secret in query["sql"]]
    message.refresh_from_db()
    assert (message.state, message.sent_at, message.attempts, message.detail) == ("sent", NOW, 1, "")
    assert sent_at() == [], "it is sent once"


def test_a_reminder_follows_and_the_address_of_each_mail_works() -> None:
    link = send(cast.the("Ben")).link
    queue_message(link, NOW)
    assert sent_at() and sent_at(NOW + 2 * DAY) == []

    assert sent_at(NOW + 3 * DAY) == ["ben@example.com"]
    assert sent_at(NOW + 6 * DAY + timedelta(hours=23)) == [], "one reminder is enough"
    first, second = (str(one.body) for one in mail.outbox)
    assert "reminder of our message of Nov. 20, 2026" in second and "reminder" not in first
    for body in (first, second):
        assert landing.find(link.public_id, secret_in(body)) == link


@pytest.mark.parametrize(("reminders", "days", "expected"), [(0, 3, 1), (5, 3, 3), (5, 7, 1)])
def test_there_are_as_many_reminders_as_the_rule_says_while_the_link_works(
    reminders: int, days: int, expected: int
) -> None:
    link = send(cast.the("Ben")).link
    queue_message(link, NOW)
    rule = Mailing(MAILING.sender, "Vitalog", KEYS, reminders, days)
    for day in range(12):
        sent_at(NOW + day * DAY, rule)
    assert len(mail.outbox) == expected


def _fixed_by_the_link(link: ReauthLink) -> None:
    press(link, "ben-minted")
    report(replaced("ben-minted", "ben-oura", EVERYTHING, "ben", after(1)))


def _fixed_otherwise(_link: ReauthLink) -> None:
    report(consented("ben-oura", EVERYTHING, "ben", after(1)))


def _returned(link: ReauthLink) -> None:
    landing.returned(press(link, "ben-minted"), "failure", {}, after(1))


def _marked(_link: ReauthLink) -> None:
    contact.set_mark(cast.the("Ben"), act(), after(1))


def _superseded(_link: ReauthLink) -> None:
    send(cast.the("Ben"), now=after(1))


def _without_address(_link: ReauthLink) -> None:
    Person.objects.filter(email="ben@example.com").update(email="")


def _address_refused(_link: ReauthLink) -> None:
    bounced_at("ben@example.com", by="Cy")


def bounced_at(address: str, by: str) -> None:
    """A mail to this address bounced, when it was that of somebody else."""
    other = send(cast.the(by)).link
    (digest,) = digests_of(address, KEYS)
    Message.objects.create(
        link=other, state="bounced", detail="550", address_digest=digest, created_at=NOW, due_at=NOW, ended_at=NOW
    )


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (_fixed_by_the_link, Why.FIXED),
        (_fixed_otherwise, Why.FIXED),
        (_returned, Why.RETURNED),
        (_marked, Why.DO_NOT_CONTACT),
        (_superseded, Why.SUPERSEDED),
        (lambda link: withdraw(link, act(), after(1)), Why.WITHDRAWN),
        (lambda link: None, Why.EXPIRED),
        (_without_address, Why.NO_ADDRESS),
        (_address_refused, Why.ADDRESS_REFUSED),
    ],
)
def test_what_waits_is_stopped(happens: Callable[[ReauthLink], object], why: Why) -> None:
    link = send(cast.the("Ben")).link
    queue_message(link, NOW)
    happens(link)

    assert sent_at(link.expires_at if why is Why.EXPIRED else after(2)) == []
    assert states(link) == [("stopped", why.value)]


def test_a_link_to_a_successor_is_not_sent_to_who_has_moved_through_another_source() -> None:
    link = send(cast.the("Eve"), "fitbit").link
    queue_message(link, NOW)
    direct = Source.objects.create(kind="oauth2", name="google", production=True)
    cast.take_in(cast.consent("eve", "google_health", ("sleep.readonly",), after(1)), source=direct)
    assert sent_at(after(2)) == [] and states(link) == [("stopped", "fixed")]


def test_a_lead_may_write_to_somebody_who_is_marked_and_no_reminder_follows() -> None:
    contact.set_mark(cast.the("Ben"), act(), NOW)
    link = send(cast.the("Ben"), now=after(1), override=True).link
    queue_message(link, after(1))

    assert sent_at(after(1)) == ["ben@example.com"]
    assert states(link) == [("sent", "")]


def test_one_that_was_cut_off_is_uncertain_and_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed() -> Answer:
        raise Killed

    link = send(cast.the("Ben")).link
    queue_message(link, NOW)
    with monkeypatch.context() as patch:
        answering(patch, killed)
        with pytest.raises(Killed):
            sent_at()
    assert states(link) == [("sending", "")]

    assert sent_at(NOW + CUT_OFF) == [] and states(link) == [("sending", "")], "its sender may be at it still"
    assert sent_at(NOW + CUT_OFF + timedelta(seconds=1)) == []
    assert states(link) == [("uncertain", "cut_off")]
    queue_message(link, after(15))
    assert sent_at(after(15)) == ["ben@example.com"], "once somebody says so"
    assert [state for state, _ in states(link)] == ["uncertain", "sent"]


def test_a_message_is_claimed_by_one_of_two() -> None:
    link = send(cast.the("Ben")).link
    message = queue_message(link, NOW)

    assert messages.claim(message.pk, link.pk, MAILING, NOW) is not None
    assert messages.claim(message.pk, link.pk, MAILING, NOW) is None


def test_what_is_not_taken_waits_longer_and_longer_and_the_address_is_not_blamed_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, lambda: Answer(Result.NOT_TAKEN, "451"))
    link = send(cast.the("Ben"), days=14).link
    message, now, waits = queue_message(link, NOW), NOW, []
    for _ in range(ATTEMPTS):
        sent_at(now)
        message.refresh_from_db()
        waits.append((message.due_at - now).total_seconds() / 60)
        now = message.due_at

    assert waits[:6] == [1, 5, 15, 30, 60, 60]
    assert states(link) == [("bounced", "451")]
    assert address_troubles([cast.the("Ben")], KEYS) == {}


def test_one_whose_answer_got_lost_is_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda: Answer(Result.UNKNOWN, "broke off"))
    link = send(cast.the("Ben")).link
    queue_message(link, NOW)
    sent_at()
    assert states(link) == [("uncertain", "broke off")]


def test_an_address_that_refused_is_not_written_to_until_the_host_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = send(cast.the("Ben")).link
    queue_message(link, NOW)
    with monkeypatch.context() as patch:
        answering(patch, lambda: Answer(Result.REFUSED, "550 5.1.1", blames_address=True))
        sent_at()
    assert states(link) == [("bounced", "550 5.1.1")]

    newer = send(cast.the("Ben"), now=after(1)).link
    queue_message(newer, after(1))
    assert sent_at(after(1)) == [] and states(newer) == [("stopped", "address_refused")]
    rotated = keys_from("a new secret", "a secret")
    people = [cast.the(name) for name in ("Ben", "Cy")]
    assert address_troubles(people, rotated) == {people[0].pk: Why.ADDRESS_REFUSED}
    Person.objects.filter(email="ben@example.com").update(email="ben@example.org")
    queue_message(newer, after(2))
    assert sent_at(after(2)) == ["ben@example.org"]


def test_without_a_mail_server_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    link = send(cast.the("Ben")).link
    queue_message(link, NOW)
    monkeypatch.setattr(email.Line, "open", lambda _line: False)
    assert sent_at() == []
    assert list(link.messages.values_list("state", "attempts")) == [("waiting", 0)]


def test_one_that_cannot_be_written_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ben, cy = (send(cast.the(name)).link for name in ("Ben", "Cy"))
    for link in (ben, cy):
        queue_message(link, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(messages, "mail_text", lambda *_, name, **__: 1 / 0 if "Ben" in name else MailText("", "", ""))
        assert sent_at() == ["cy@example.com"]
    assert states(ben) == [("waiting", "")]
    assert sent_at(after(60)) == ["ben@example.com"]


def test_when_the_time_is_up_the_rest_waits_for_the_next_job() -> None:
    for name in ("Ben", "Cy"):
        queue_message(send(cast.the(name)).link, NOW)
    assert send_due(MAILING, lambda: NOW, seconds=-1)
    assert mail.outbox == []


def test_a_link_has_one_message_that_waits_and_it_is_sent_at_the_earlier_time() -> None:
    link = send(cast.the("Ben")).link
    later = queue_message(link, NOW, NOW + DAY)
    assert sent_at() == []
    assert queue_message(link, NOW).pk == queue_message(link, NOW, NOW + 2 * DAY).pk == later.pk
    assert sent_at() == ["ben@example.com"]


@pytest.mark.parametrize(
    ("happens", "problem"),
    [(_without_address, CannotQueue), (lambda link: withdraw(link, act(), NOW), LinkEnded)],
)
def test_no_message_is_queued_that_cannot_be_sent(happens: Any, problem: type[Exception]) -> None:
    link = send(cast.the("Ben")).link
    happens(link)
    with pytest.raises(problem):
        queue_message(link, NOW)
    assert not Message.objects.exists()
