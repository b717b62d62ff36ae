"""How we are set up at our sources: scopes, destinations, and deliveries that failed, to be sent again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.act_page import Why, act_page, agent_of
from scopes.admin.policies import DRAFT
from scopes.admin.policies import LOOK as LOOK_AT_POLICIES
from scopes.admin.site import ACT, desk
from scopes.api_keys import KeyState, state_of
from scopes.audit.setup import Drift, drifts
from scopes.catalogue import default
from scopes.judge import policy
from scopes.models import ApiKey, Endpoint, Source, SourceSetup
from scopes.models.trail import Act
from scopes.sources import registry
from scopes.sources.errors import NotConfigured, SourceError
from scopes.sources.gateway import Gateway, Patience
from scopes.sources.setup import Setup

LOOK = "scopes.view_sourcesetup"
RESEND = "scopes.resend_event"
EVENT_ID = re.compile(r"[A-Za-z0-9:_.-]{1,120}")


@dataclass(slots=True)
class Shown:
    """One source's setup as the page shows it."""

    row: SourceSetup
    title: str
    setup: Setup
    expires_soon: bool
    drifts: list[Drift]


@dataclass(frozen=True, slots=True)
class Reporting:
    """A source that reports by the API, so that what is set up is here: the keys for it, and the endpoints.

    `leads`: links lead to a consent page of its own.
    """

    key: str
    title: str
    reports: str
    leads: bool
    keys: list[ApiKey]
    endpoints: list[Endpoint]


@desk.screen("setups/", "source_setups", LOOK)
def source_setups(request: HttpRequest) -> HttpResponseBase:
    """Every source, as its setup was read or is here; and the failed deliveries of the connection `user_id` there."""
    now = timezone.now()
    rows = SourceSetup.objects.select_related("source").order_by("-source__production", "source__key")
    context: dict[str, Any] = {"setups": [_shown(row, now) for row in rows], "reporting": _reporting(now)}
    user_id, source = request.GET.get("user_id", "").strip(), request.GET.get("source", "")
    if user_id and source:
        context |= {"asked_for": user_id, "asked_at": source, **_failed_of(_gateway(source), user_id)}
    return desk.page(request, "admin/source_setups.html", gettext("Source setups"), **context)


@desk.screen(
    "setups/<int:source>/<slug:provider>/draft/", "draft_from_setup", LOOK, *LOOK_AT_POLICIES, DRAFT, methods=("POST",)
)
def draft_from_setup(request: HttpRequest, source: int, provider: str) -> HttpResponseBase:
    """A draft of the policy in force that requests what the source asks for."""
    row = get_object_or_404(SourceSetup.objects.select_related("source"), source=source)
    found = [one for one in drifts(row.source, Setup.from_data(row.content)) if one.provider == provider]
    if not found:
        messages.error(request, gettext("The source’s scopes and the policy match now."))
        return redirect("admin:source_setups")
    drift = found[0]
    note = gettext("%(title)s’s scopes for %(resource)s on %(date)s.") % {
        "title": registry.title_of(row.source),
        "resource": drift.resource,
        "date": f"{row.read_at:%-d %b %Y}",
    }
    draft = policy.draft_requesting(
        drift.integration, drift.at_source, author=agent_of(request).get_username(), note=note, now=timezone.now()
    )
    return redirect("admin:policy_impact", draft.pk)


@desk.screen("setups/<int:source>/resend/", "resend_event", LOOK, RESEND, methods=ACT)
def resend(request: HttpRequest, source: int) -> HttpResponseBase:
    """Show what happens; by POST, have the source deliver one event of one connection again."""
    where = get_object_or_404(Source, pk=source)
    title = registry.title_of(where)
    wanted = [request.GET.get(name, "") for name in ("user_id", "event_id", "event_type")]
    if not all(EVENT_ID.fullmatch(value) for value in wanted):
        raise Http404
    user_id, event_id, event_type = wanted
    form, trouble = Why(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _gateway(where.key).resend(user_id, event_id, event_type)
        except SourceError as error:
            trouble = gettext("%(title)s refused: %(error)s") % {"title": title, "error": error}
        else:
            _note(where, form.act_of(request), user_id, event_id, event_type)
            messages.success(request, gettext("%(title)s resends the event.") % {"title": title})
            return redirect("admin:source_setups")
    return act_page(
        request,
        gettext("Resend %(event_type)s") % {"event_type": event_type},
        about=title,
        back=reverse("admin:source_setups"),
        will=[
            gettext(
                "%(title)s delivers the event `%(event_id)s` of `%(user_id)s` again to every destination of %(where)s."
            )
            % {"title": title, "event_id": event_id, "user_id": user_id, "where": where},
            gettext("Nothing is recorded twice."),
        ],
        form=None if trouble else form,
        submit=gettext("Resend"),
        trouble=trouble,
        refused=HTTPStatus.BAD_GATEWAY,
    )


def _shown(row: SourceSetup, now: datetime) -> Shown:
    setup = Setup.from_data(row.content)
    return Shown(
        row,
        registry.title_of(row.source),
        setup,
        setup.expires_soon(now),
        drifts(row.source, setup),
    )


def _reporting(now: datetime) -> list[Reporting]:
    """The sources of the process environment that report by the API, in order."""
    sources = [one for one in registry.set_up().values() if registry.reports_of(one.kind)]
    keys = [
        key
        for key in ApiKey.objects.prefetch_related("sources").order_by("name", "pk")
        if ApiKey.Permission.WRITE_CONNECTIONS in key.permissions and state_of(key, now) is KeyState.IN_FORCE
    ]
    enabled = Endpoint.objects.filter(state=Endpoint.State.ENABLED).prefetch_related("sources").order_by("name")
    return [
        Reporting(
            key=source.key,
            title=registry.title_of(source),
            reports=registry.reports_of(source.kind),
            leads=any(registry.names_for(source.kind, source.name, one) for one in default().providers.values()),
            keys=[key for key in keys if _is_for(key, source.key)],
            endpoints=[endpoint for endpoint in enabled if _is_for(endpoint, source.key)],
        )
        for source in sources
    ]


def _is_for(row: ApiKey | Endpoint, key: str) -> bool:
    """Whether it is for the source; where it names none, it is for all."""
    named = [str(source) for source in row.sources.all()]
    return not named or key in named


def _failed_of(gateway: Gateway, user_id: str) -> dict[str, Any]:
    """The failed deliveries of one connection, asked of its source now, or why it does not say."""
    try:
        failed = gateway.failed_events(user_id)
    except SourceError as error:
        return {"trouble": str(error)}
    return {"failed": failed, "source_pk": Source.objects.get(key=gateway.key).pk}


def _gateway(key: str) -> Gateway:
    """The gateway of that source. Raises Http404 where its setup cannot be read."""
    source = get_object_or_404(Source, key=key)
    try:
        gateway = registry.gateway(source.kind, source.name, Patience.INTERACTIVE)
    except NotConfigured:
        raise Http404 from None
    if not gateway.has_setup:
        raise Http404
    return gateway


def _note(source: Source, act: Act, user_id: str, event_id: str, event_type: str) -> None:
    act.entry(
        "event.resent",
        timezone.now(),
        subject=user_id,
        detail={"source": source.key, "event_id": event_id, "event_type": event_type},
    ).save()
