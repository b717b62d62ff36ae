"""Send a link by e-mail: whether that is possible, and the act. The mail has an address of its own."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.act_page import agent_of
from scopes.admin.link_words import WHY
from scopes.admin.site import desk
from scopes.channels import addresses
from scopes.models import Connection, Integration, Message, Person, ReauthLink
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.reauth.issue import Issued, Wish, issue
from scopes.reauth.link_status import LinkEnded
from scopes.reauth.messages import CannotQueue, address_troubles, queue_message

LOOK = ("scopes.view_person", "scopes.view_reauthlink")
SEND = "scopes.send_reauth_link"


def mail_trouble(person: Person) -> str:
    """Why no mail can go to the person, in words that go on a sentence; empty where one can."""
    if not settings.MAIL_FROM:
        return gettext("no mail server is set up")
    keys = addresses.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    why = address_troubles([person], keys).get(person.pk)
    return str(WHY[why]) if why else ""


def is_pending(message: Message, now: datetime) -> bool:
    """Whether the message is on its way; a reminder that waits for its day is not."""
    if message.state == Message.State.WAITING:
        return message.due_at <= now
    return message.state == Message.State.SENDING


@in_transaction
def issue_by_mail(
    person: Person, integration: Integration, wish: Wish, now: datetime, connection: Connection | None, *, at_most: int
) -> Issued:
    """A new link, and the mail that brings it. Raises NotAllowed, NoSuchResource, CannotQueue."""
    issued = issue(person, integration, wish, now, connection, at_most=at_most)
    queue_message(issued.link, now)
    return issued


@desk.screen("links/<str:public_id>/mail/", "mail_link", *LOOK, SEND, methods=("POST",))
def mail_link(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send the link by e-mail, for the reason that it has."""
    link = get_object_or_404(ReauthLink.objects.select_related("person"), public_id=public_id)
    if trouble := mail_trouble(link.person):
        messages.error(request, gettext("It can’t be sent by e-mail: %(why)s.") % {"why": trouble})
    else:
        try:
            _mail(link, Act(agent_of(request), link.reason, link.ticket), timezone.now())
        except LinkEnded as ended:
            messages.error(request, str(ended))
        except CannotQueue as problem:
            messages.error(request, gettext("It can’t be sent by e-mail: %(why)s.") % {"why": WHY[problem.why]})
    return HttpResponseRedirect(reverse("admin:link", args=[public_id]), status=HTTPStatus.SEE_OTHER)


@in_transaction
def _mail(link: ReauthLink, act: Act, now: datetime) -> None:
    message = queue_message(link, now)
    act.entry(
        "link.mailed",
        now,
        person_id=link.person_id,
        connection_id=link.connection_id,
        integration_id=link.integration_id,
        subject=link.public_id,
        detail={"number": message.number},
    ).save()
