"""Migrations: providers with a successor, how far their people have got, and a campaign for those left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import act_page
from scopes.admin.campaign_acts import CampaignForm, begin
from scopes.admin.campaigns import LOOK
from scopes.admin.connections import RUN
from scopes.admin.site import ACT, desk
from scopes.admin.tags import thousands
from scopes.judge import census
from scopes.judge.migrations import Migration, migrations
from scopes.models import Provider
from scopes.reauth import successors
from scopes.reauth.campaigns import acts
from scopes.reauth.campaigns.acts import Plan
from scopes.sources import registry


class MigrationForm(CampaignForm):
    """What the agent decides about a migration: where the links lead, and what every campaign asks for."""

    source = forms.ChoiceField(
        label=_("Links lead to"), help_text=_("Through which source people connect the successor.")
    )

    field_order = ("name", "source", "language", "days", "per_hour", "reason", "ticket")

    def __init__(self, *args: Any, ends: Sequence[successors.End], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [(str(end.source.pk), _words(end)) for end in ends]  # type: ignore[attr-defined]


@desk.screen("migrations/", "migrations", LOOK)
def migrations_page(request: HttpRequest) -> HttpResponseBase:
    """The migrations with their numbers, the shutdown day of each and where it was read."""
    census.take_if_old(timezone.now())
    return desk.page(
        request,
        "admin/migrations/list.html",
        gettext("Migrations"),
        migrations=migrations(),
        taken_at=census.taken_at(),
    )


@desk.screen("migrations/<int:provider>/<str:kind>/new/", "draft_migration", LOOK, RUN, methods=ACT)
def draft(request: HttpRequest, provider: int, kind: str) -> HttpResponseBase:
    """GET shows whom the campaign would be for, and where its links can lead; POST drafts it, and sends nothing."""
    row = get_object_or_404(Provider, pk=provider)
    if kind not in ("production", "test"):
        raise Http404
    now, production = timezone.now(), kind == "production"
    census.take_if_old(now)
    one = next((one for one in migrations() if one.provider == row and one.production is production), None)
    remaining = one.in_progress + one.left_behind if one else 0
    ends = successors.ends_of(row, now, production=production)
    title = gettext("Move people from %(provider)s to its successor") % {"provider": row.name}
    form = MigrationForm(request.POST or None, initial={"name": title}, ends=ends)
    if remaining and ends and request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        end = next(end for end in ends if str(end.source.pk) == data["source"])
        plan = Plan(
            data["name"],
            data["days"],
            data["per_hour"],
            data["language"],
            moves_from=row,
            moves_to=successors.integration_at(end, now),
        )
        campaign = acts.draft(plan, form.act_of(request), now)
        begin(campaign, remaining)
        return redirect("admin:campaign", campaign.pk)
    return act_page(
        request,
        title,
        about=gettext("Migrations"),
        back=reverse("admin:migrations"),
        will=[
            ngettext("%(number)s connection has not moved.", "%(number)s connections have not moved.", remaining)
            % {"number": thousands(remaining)},
            gettext("Who moves by any means leaves the campaign."),
            gettext("Each is checked first. Nothing is sent until the campaign is started."),
        ],
        form=form if remaining and ends else None,
        submit=gettext("Check them"),
        trouble=_trouble(one, ends),
    )


def _trouble(one: Migration | None, ends: Sequence[successors.End]) -> str:
    if one is None or not one.in_progress + one.left_behind:
        return gettext("No one is left behind.")
    if not ends:
        return gettext("No source of this portal can connect people to the successor. Ask an engineer to set one up.")
    return ""


def _words(end: successors.End) -> str:
    words = f"{end.entry.name}, {registry.title_of(end.source)} {end.source.name}"
    return gettext("%(end)s (proves the account)") % {"end": words} if end.proves else words
