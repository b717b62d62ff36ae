"""The page of a link: its address for ten minutes, its status, a new address, and its withdrawal.

The address is stored nowhere here. The browser of the agent who made it keeps it in a cookie for this page alone, so
that reloading and going back show it again, and nobody else.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from scopes.admin.act_page import Why, agent_of
from scopes.admin.link_mail import is_pending, mail_trouble
from scopes.admin.link_words import message_state
from scopes.admin.site import ACT, desk
from scopes.models import ReauthLink
from scopes.models.trail import Act
from scopes.reauth import consent_text, landing
from scopes.reauth.issue import (
    ADDRESS_IS_FINAL_AFTER,
    AddressIsFinal,
    Issued,
    may_get_new_address,
    new_address,
    withdraw,
)
from scopes.reauth.landing import reported_by_redirect
from scopes.reauth.link_status import LinkEnded, LinkStatus, status_of
from scopes.reauth.progress import connection_of
from scopes.reauth.public_address import public_address

LOOK = ("scopes.view_person", "scopes.view_reauthlink")
SEND = "scopes.send_reauth_link"
WITHDRAW = "scopes.withdraw_reauth_link"


@desk.screen("links/<str:public_id>/status/", "link", *LOOK, methods=ACT, shows_secret=True)
def link_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """The link's status, which updates itself, and its address where this browser keeps it; POST withdraws the link."""
    link = _link(public_id)
    form = Why(request.POST or None)
    trouble = ""
    if request.method == "POST":
        if not request.user.has_perm(WITHDRAW):
            raise PermissionDenied
        if form.is_valid():
            try:
                withdraw(link, form.act_of(request), timezone.now())
            except LinkEnded as ended:
                trouble = str(ended)
            else:
                return to_page(link)
    status = _status(link)
    may_send = request.user.has_perm(SEND)
    pending = any(is_pending(mail, timezone.now()) for mail, _, _ in status["mails"])
    no_mail = mail_trouble(link.person) if may_send and status["live"] else ""
    context = {
        **status,
        **(_address(request, link) if status["live"] else {}),
        "form": form,
        "trouble": trouble,
        "person": link.person,
        "renewable_until": link.created_at + ADDRESS_IS_FINAL_AFTER,
        "connection": connection_of(link),
        "no_mail": no_mail,
        "may_mail": may_send and status["live"] and not no_mail and not pending,
        "may_renew": may_send and may_get_new_address(link, timezone.now()),
    }
    title = gettext("Link for %(provider)s") % {"provider": link.integration.provider.name}
    return desk.page(request, "admin/send_link/link.html", title, **context)


@desk.screen("links/<str:public_id>/status/now/", "link_now", *LOOK)
def link_now(request: HttpRequest, public_id: str) -> HttpResponse:
    """The changing part alone, for the page that updates itself."""
    return render(request, "admin/send_link/status.html", _status(_link(public_id)))


@desk.screen("links/<str:public_id>/address/", "new_link_address", *LOOK, SEND, methods=("POST",))
def renew_address(request: HttpRequest, public_id: str) -> HttpResponse:
    """Give the link a new address in place of the one that was lost, for the reason that the link has."""
    link = _link(public_id)
    try:
        issued = new_address(link, Act(agent_of(request), link.reason, link.ticket), timezone.now())
    except (LinkEnded, AddressIsFinal) as problem:
        messages.error(request, str(problem))
        return to_page(link)
    return to_page_with_address(request, issued)


def to_page_with_address(request: HttpRequest, issued: Issued) -> HttpResponse:
    """To the link's page, with the secret for the browser to keep."""
    response = to_page(issued.link)
    response.set_signed_cookie(
        settings.LINK_ADDRESS_COOKIE_NAME,
        issued.secret,
        salt=_salt(request),
        max_age=ADDRESS_IS_FINAL_AFTER,
        path=_address_of_page(issued.link),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def _address(request: HttpRequest, link: ReauthLink) -> dict[str, Any]:
    """The address and a reply with it, where this browser keeps the secret and the link still has it."""
    name, length = settings.LINK_ADDRESS_COOKIE_NAME, ADDRESS_IS_FINAL_AFTER
    secret = request.get_signed_cookie(name, default="", salt=_salt(request), max_age=length)
    if not secret or landing.find(link.public_id, secret) is None:
        return {}
    url = public_address(request, "reauth_landing", link.public_id, secret)
    with translation.override(link.language):
        consent = consent_text.for_link(link, link.needs, settings.PORTAL_HOST_NAME)
        message = consent_text.message(consent, name=link.person.name, url=url, expires_at=link.expires_at)
    return {"url": url, "message": message}


def _salt(request: HttpRequest) -> str:
    """What ties the cookie to the agent: for another one who signs in with the same browser it is worth nothing."""
    return f"link-address-{agent_of(request).pk}"


def _status(link: ReauthLink) -> dict[str, Any]:
    """The status of the link now, for its page and for the part that updates itself."""
    attempts = list(link.attempts.order_by("-started_at", "-pk")[:20])
    status = status_of(link, timezone.now())
    return {
        "link": link,
        "status": status,
        "live": status is LinkStatus.LIVE,
        "mails": [(mail, *message_state(mail)) for mail in link.messages.order_by("number")],
        "attempts": [(attempt, reported_by_redirect(attempt)) for attempt in attempts],
    }


def to_page(link: ReauthLink) -> HttpResponse:
    """To the link's page."""
    return HttpResponseRedirect(_address_of_page(link), status=HTTPStatus.SEE_OTHER)


def _address_of_page(link: ReauthLink) -> str:
    return reverse("admin:link", args=[link.public_id])


def _link(public_id: str) -> ReauthLink:
    links = ReauthLink.objects.select_related(
        "person", "integration__provider", "integration__source", "integration__policy_version"
    )
    return get_object_or_404(links, public_id=public_id)
