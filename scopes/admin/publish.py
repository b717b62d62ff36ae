"""What a draft would mean, and publishing it: shown exactly first, with a reason, and an entry in the trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from scopes import flow
from scopes.admin.act_page import Why
from scopes.admin.policies import LOOK, against_nothing, version_of
from scopes.admin.site import ACT, desk
from scopes.catalogue.entries import Provider as Entry
from scopes.judge import census, verdicts
from scopes.judge.content import PolicyError
from scopes.judge.difference import difference, requests_other
from scopes.judge.impact import WORSE, Impact, impact, people_becoming
from scopes.judge.least_privilege import draft_warnings
from scopes.models import Connection, PolicyVersion
from scopes.reasons import HEALTHS, SCOPE_REASONS

PUBLISH = "scopes.publish_policy"
# More consents than a page may wait for while they are moved to the screen that they saw.
MOST_MOVED = 20_000


@dataclass(frozen=True, slots=True)
class Counted:
    """One health in the table of an impact. `percent` of those that change to it could be fixed by a link."""

    health: str
    now: int
    then: int
    becoming: int
    people: int
    fixable: int

    @property
    def percent(self) -> int:
        return 100 * self.fixable // self.becoming if self.becoming else 0


@dataclass(frozen=True, slots=True)
class Because:
    """One reason in the table of an impact."""

    scope: str
    label: str
    title: str
    connections: int
    fixable: int

    @property
    def percent(self) -> int:
        return 100 * self.fixable // self.connections


class SinceForm(forms.Form):
    """When the consent screen changed."""

    since = forms.DateTimeField(
        label=_("When the consent screen changed (UTC)"),
        label_suffix="",
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_since(self) -> datetime | None:
        since: datetime | None = self.cleaned_data["since"]
        if since is not None and since > timezone.now():
            raise ValidationError(gettext("This date is in the future. Publish once the screen has changed."))
        return since


class PublishForm(Why, SinceForm):
    """Why, and what the agent was shown: the moment, and the version that is to be replaced."""

    instead_of = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].widget = forms.HiddenInput()


@desk.screen("policies/<int:pk>/impact/", "policy_impact", *LOOK)
def policy_impact(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What a draft changes, what its author should look at again, and for how many it would mean what."""
    draft = version_of(pk)
    if draft.published_at is not None:
        return redirect("admin:scopes_policyversion_change", pk)
    context = {**_meaning(draft), "since": SinceForm()}
    return desk.page(
        request,
        "admin/policies/impact.html",
        gettext("Impact of draft %(number)s") % {"number": draft.number},
        **context,
    )


@desk.screen("policies/<int:pk>/publish/", "publish_policy", *LOOK, PUBLISH, methods=ACT)
def publish_policy(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what publishing the draft will do; by POST, do it."""
    draft = version_of(pk)
    if draft.published_at is not None:
        return redirect("admin:scopes_policyversion_change", pk)
    form_of_date = SinceForm(request.POST if request.method == "POST" else request.GET)
    if not form_of_date.is_valid():
        context = {**_meaning(draft), "since": form_of_date}
        return desk.page(
            request,
            "admin/policies/impact.html",
            gettext("Impact of draft %(number)s") % {"number": draft.number},
            **context,
        )
    since = form_of_date.cleaned_data["since"]
    moving = _consents_since(draft.integration_id, since) if since else 0
    shown = {"since": since, "instead_of": draft.integration.policy_version_id}
    form = PublishForm(request.POST or None, initial=shown)
    trouble = ""
    if request.method == "POST" and moving <= MOST_MOVED and form.is_valid():
        act, instead_of = form.act_of(request), form.cleaned_data["instead_of"]
        try:
            moved = flow.publish(draft, now=timezone.now(), in_force_from=since, act=act, instead_of=instead_of)
        except PolicyError as error:
            trouble, draft = str(error), version_of(pk)
            # What is shown again is against what is in force now, and so is the next press.
            form.data = request.POST.copy()
            form.data["instead_of"] = str(draft.integration.policy_version_id)
        else:
            messages.success(request, _published(draft, moved))
            return redirect("admin:policies", draft.integration_id)
    context = {
        **_meaning(draft),
        "form": form,
        "since": since,
        "moving": moving,
        "too_many": moving > MOST_MOVED,
        "most": MOST_MOVED,
        "trouble": trouble,
    }
    return desk.page(
        request,
        "admin/policies/publish.html",
        gettext("Publish policy %(number)s") % {"number": draft.number},
        **context,
    )


def _meaning(draft: PolicyVersion) -> dict[str, Any]:
    """What the pages of a draft show of it."""
    census.take_if_old(timezone.now())
    counted = impact(draft)
    people = people_becoming(draft)
    row = draft.integration
    entry = Entry.from_data(row.provider.entry)
    in_force = row.policy_version.content if row.policy_version else None
    worse = sum(counted.becoming.get(health, 0) for health in WORSE)
    return {
        "draft": draft,
        "integration": row,
        "changes": difference(in_force or against_nothing(draft), draft.content),
        "draft_warnings": draft_warnings(verdicts.policy_of(draft), entry),
        "new_screen": requests_other(in_force, draft.content),
        "impact": counted,
        "healths": _healths(counted, people),
        "because": _because(counted, entry),
        "worse": worse,
        "worse_people": sum(people.get(health, 0) for health in WORSE),
        "percent": 100 * counted.fixable // worse if worse else 0,
    }


def _healths(counted: Impact, people: dict[str, int]) -> list[Counted]:
    return [
        Counted(
            health.value,
            now=counted.health_now.get(health, 0),
            then=counted.health.get(health, 0),
            becoming=counted.becoming.get(health, 0),
            people=people.get(health, 0),
            fixable=counted.fixable_of.get(health, 0),
        )
        for health in HEALTHS
    ]


def _because(counted: Impact, entry: Entry) -> list[Because]:
    labels = {scope.name: scope.label for scope in entry.scopes}
    return [
        Because(scope, labels.get(scope, ""), SCOPE_REASONS[reason].title, connections, fixable)
        for (scope, reason), (connections, fixable) in counted.reasons.items()
    ]


def _consents_since(integration: int, since: datetime) -> int:
    """How many connections consented since then; counts no further than a page may move."""
    consented = Connection.objects.filter(
        integration=integration, consented_at__gte=since, merged_into__isnull=True
    ).order_by()
    return consented[: MOST_MOVED + 1].count()


def _published(draft: PolicyVersion, moved: int) -> str:
    words = gettext("Policy %(number)s is in force.") % {"number": draft.number}
    if not moved:
        return words
    were = ngettext(
        "%(number)s connection was assigned to the consent screen they saw.",
        "%(number)s connections were assigned to the consent screen they saw.",
        moved,
    ) % {"number": f"{moved:,}"}
    return f"{words} {were}"
