"""A link by e-mail from the desk: chosen when it is created or later, where a mail can go, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.channels import addresses
from scopes.models import Message, Person, ReauthLink, Source, TrailEntry
from tests import cast as people
from tests.admin.reading import words_of
from tests.reauth.hands import send

FORM = {"language": "de", "days": "7", "reason": "Asked on the phone.", "ticket": "T-1"}


@pytest.fixture(autouse=True)
def mails(settings: Any) -> None:
    settings.MAIL_FROM = "Vitalog <support@vitalog.example>"


def form_of(source: Source) -> str:
    return reverse("admin:send_link", args=[people.the("ben").pk, source.pk, "oura"])


def page_of(browser: Client, link: ReauthLink) -> str:
    return words_of(browser.get(reverse("admin:link", args=[link.public_id])).content.decode())


def bounced(person: Person, settings: Any) -> None:
    """An earlier mail to the person's address never arrived."""
    link = send(person, now=timezone.now() - timedelta(days=40)).link
    digest = addresses.digests_of(person.email, addresses.keys_from(settings.SECRET_KEY))[0]
    now = timezone.now()
    Message.objects.create(
        link=link, state="bounced", detail="550 5.1.1", address_digest=digest, created_at=now, due_at=now, ended_at=now
    )


def test_a_link_that_goes_by_e_mail_is_queued_with_it_and_its_address_is_not_shown(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    agent = signed_in("agent")
    assert list(agent.get(form_of(cast)).context["form"].fields) == ["channel", "language", "days", "reason", "ticket"]
    answer = agent.post(form_of(cast), FORM | {"channel": "email"})
    link = ReauthLink.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, reverse("admin:link", args=[link.public_id]))
    assert "portal_link_address" not in answer.cookies
    assert (link.messages.get().state, link.messages.get().number) == ("waiting", 1)
    page = page_of(agent, link)
    assert "Waiting to be sent" in page and "The person gets an address by e-mail." in page
    assert "Send another e-mail" not in page, "one is on its way"
    assert "E-mail: Waiting to be sent Link created just now" in words_of(
        agent.get(reverse("admin:person", args=[link.person_id])).content.decode()
    )


def test_a_copied_link_makes_no_mail_until_the_agent_sends_one(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    agent = signed_in("agent")
    agent.post(form_of(cast), FORM | {"channel": "copy"})
    link = ReauthLink.objects.get()
    assert not Message.objects.exists() and "Send by e-mail" in page_of(agent, link)

    for _ in range(2):
        assert agent.post(reverse("admin:mail_link", args=[link.public_id])).status_code == 303

    assert link.messages.get().state == "waiting", "the second press finds the first one's message"
    entry = TrailEntry.objects.filter(verb="link.mailed").first()
    assert entry is not None and (entry.reason, entry.subject) == (FORM["reason"], link.public_id)


@pytest.mark.parametrize("why", ["no address", "bounced", "no server"])
def test_where_no_mail_can_go_the_reason_stands_there_and_none_is_queued(
    cast: Source, signed_in: Callable[[str], Client], settings: Any, why: str
) -> None:
    agent, ben = signed_in("agent"), people.the("ben")
    said = {
        "no address": "the person has no e-mail address",
        "bounced": "an earlier mail to this address never arrived",
        "no server": "no mail server is set up",
    }[why]
    match why:
        case "no address":
            Person.objects.filter(pk=ben.pk).update(email="")
        case "bounced":
            bounced(ben, settings)
        case "no server":
            settings.MAIL_FROM = ""
    before = Message.objects.count()
    shown = agent.get(form_of(cast)).content.decode()
    assert said in shown and 'value="email"' not in shown
    agent.post(form_of(cast), FORM | {"channel": "email"})
    link = ReauthLink.objects.latest("pk")
    assert said in page_of(agent, link)
    refused = agent.post(reverse("admin:mail_link", args=[link.public_id]), follow=True)
    assert said in refused.content.decode()
    assert Message.objects.count() == before


def test_an_ended_link_is_not_mailed_and_a_viewer_mails_none(cast: Source, signed_in: Callable[[str], Client]) -> None:
    link = send(people.the("ben"), now=timezone.now()).link
    mail = reverse("admin:mail_link", args=[link.public_id])
    assert signed_in("viewer").post(mail).status_code == 403
    assert "e-mail" not in page_of(signed_in("viewer"), link)
    ReauthLink.objects.update(withdrawn_at=timezone.now())
    assert "already withdrawn" in signed_in("agent").post(mail, follow=True).content.decode()
    assert not Message.objects.exists() and not TrailEntry.objects.filter(verb="link.mailed").exists()


def test_a_reminder_that_waits_for_its_day_can_be_sent_before(cast: Source, signed_in: Callable[[str], Client]) -> None:
    agent, now = signed_in("agent"), timezone.now()
    link = send(people.the("ben"), now=now).link
    sent = {"link": link, "created_at": now, "due_at": now}
    Message.objects.create(**sent, state="sent", sent_at=now)
    Message.objects.create(**sent | {"due_at": now + timedelta(days=3)}, number=2)
    assert "Send another e-mail" in page_of(agent, link)
    agent.post(reverse("admin:mail_link", args=[link.public_id]))
    assert Message.objects.get(number=2).due_at < timezone.now()
    assert "Send another e-mail" not in page_of(agent, link)
