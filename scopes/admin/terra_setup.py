"""How environments are set up at Terra: scopes, destinations, and deliveries that failed, to be sent again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from scopes.admin.act_page import Why, act_page, agent_of
from scopes.admin.policies import DRAFT
from scopes.admin.policies import LOOK as LOOK_AT_POLICIES
from scopes.admin.site import ACT, desk
from scopes.audit.setup import Drift, drifts
from scopes.judge import policy
from scopes.models import Source, TerraSetup
from scopes.models.trail import Act
from scopes.reauth.target import environment_of
from scopes.sources.terra import EnvironmentMissing, TerraError, client_for
from scopes.sources.terra.admin_api import AdminApi, FailedEvents
from scopes.sources.terra.client import INTERACTIVE
from scopes.sources.terra.setup import EXPIRES_SOON, Setup, causes_of_silence, expires_at, resource_of

LOOK = "scopes.view_terrasetup"
RESEND = "scopes.resend_event"
EVENT_ID = re.compile(r"[A-Za-z0-9:_.-]{1,120}")
ONE_PAGE = 1


@dataclass(slots=True)
class Shown:
    """One environment's set-up as the page shows it."""

    row: TerraSetup
    setup: Setup
    expires_at: datetime | None
    expires_soon: bool
    causes: list[str]
    drifts: list[Drift]
    sources: list[tuple[str, list[str]]] = field(default_factory=list)


@desk.screen("terra/", "terra_setups", LOOK)
def terra_setups(request: HttpRequest) -> HttpResponseBase:
    """Every environment whose set-up was read; and the failed deliveries of the connection that `user_id` names."""
    now = timezone.now()
    rows = TerraSetup.objects.select_related("source").order_by("-source__production", "source__key")
    context: dict[str, Any] = {"setups": [_shown(row, now) for row in rows]}
    user_id, source = request.GET.get("user_id", "").strip(), request.GET.get("source", "")
    if user_id and source:
        context |= {"asked_for": user_id, "asked_at": source, **_failed_of(_api(source), user_id)}
    return desk.page(request, "admin/terra_setups.html", "Terra", **context)


@desk.screen(
    "terra/<int:source>/<slug:provider>/draft/", "draft_from_terra", LOOK, *LOOK_AT_POLICIES, DRAFT, methods=("POST",)
)
def draft_from_terra(request: HttpRequest, source: int, provider: str) -> HttpResponseBase:
    """A draft of the policy in force that requests what Terra asks for."""
    row = get_object_or_404(TerraSetup.objects.select_related("source"), source=source)
    found = [one for one in drifts(row.source, Setup.from_data(row.content)) if one.provider == provider]
    if not found:
        messages.error(request, "What Terra asks for and the policy agree by now.")
        return redirect("admin:terra_setups")
    drift = found[0]
    note = f"As Terra asked for {drift.resource} on {row.read_at:%-d %b %Y}."
    draft = policy.draft_requesting(
        drift.integration, drift.at_terra, author=agent_of(request).get_username(), note=note, now=timezone.now()
    )
    return redirect("admin:policy_impact", draft.pk)


@desk.screen("terra/<int:source>/resend/", "resend_event", LOOK, RESEND, methods=ACT)
def resend(request: HttpRequest, source: int) -> HttpResponseBase:
    """Show what happens; by POST, have Terra deliver one event of one connection again."""
    where = get_object_or_404(Source, pk=source)
    wanted = [request.GET.get(name, "") for name in ("user_id", "event_id", "event_type")]
    if not all(EVENT_ID.fullmatch(value) for value in wanted):
        raise Http404
    user_id, event_id, event_type = wanted
    form, trouble = Why(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _api(where.key).resend(user_id, event_id, event_type)
        except TerraError as error:
            trouble = f"Terra did not take it: {error}"
        else:
            _note(where, form.act_of(request), user_id, event_id, event_type)
            messages.success(request, "Terra delivers it again.")
            return redirect("admin:terra_setups")
    response = act_page(
        request,
        f"Have {event_type} delivered again",
        about="Terra",
        back=reverse("admin:terra_setups"),
        will=[
            f"Terra delivers the event `{event_id}` of `{user_id}` to every destination of {where} once more.",
            "What was recorded of it before is not recorded twice.",
        ],
        form=None if trouble else form,
        submit="Deliver it again",
        trouble=trouble,
    )
    if trouble:
        response.status_code = HTTPStatus.BAD_GATEWAY
    return response


def _shown(row: TerraSetup, now: datetime) -> Shown:
    setup = Setup.from_data(row.content)
    ends = expires_at(setup)
    return Shown(
        row,
        setup,
        ends,
        ends is not None and ends < now + EXPIRES_SOON,
        causes_of_silence(setup),
        drifts(row.source, setup),
        [(resource_of(slug)[1] or slug, scopes) for slug, scopes in sorted((setup.sources or {}).items())],
    )


def _failed_of(api: AdminApi, user_id: str) -> dict[str, Any]:
    """The failed deliveries of one connection, asked of Terra now, or why it does not say."""
    try:
        failed: FailedEvents = api.failed_events(user_id, ONE_PAGE)
    except TerraError as error:
        return {"trouble": str(error)}
    return {"failed": failed, "source_pk": Source.objects.get(key=api.environment.source).pk}


def _api(key: str) -> AdminApi:
    """The Admin API of that source. Raises Http404 where it has none."""
    source = get_object_or_404(Source, key=key)
    try:
        environment = client_for(environment_of(source)).environment
    except EnvironmentMissing:
        raise Http404 from None
    if not environment.admin_token:
        raise Http404
    return AdminApi(environment, INTERACTIVE)


def _note(source: Source, act: Act, user_id: str, event_id: str, event_type: str) -> None:
    act.entry(
        "event.resent",
        timezone.now(),
        subject=user_id,
        detail={"source": source.key, "event_id": event_id, "event_type": event_type},
    ).save()
