"""The policies of an integration: every version and what it changed, drafts, and going back to an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.act_page import agent_of
from scopes.admin.policy_form import Editor, with_another_row
from scopes.admin.site import ACT, desk
from scopes.catalogue.entries import Provider as Entry
from scopes.judge import content, policy
from scopes.judge.content import PolicyError
from scopes.judge.difference import Change, difference
from scopes.models import Integration, PolicyVersion, TrailEntry

LOOK = ("scopes.view_integration", "scopes.view_policyversion")
DRAFT = "scopes.draft_policy"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Version:
    """One version in the list. `changes` is against the published one before it; a draft's against what is in force.

    `publication` is the entry of the trail; None for a draft.
    """

    row: PolicyVersion
    state: str
    changes: list[Change]
    publication: TrailEntry | None = None


@desk.screen("integrations/<int:integration>/policies/", "policies", *LOOK)
def policies(request: HttpRequest, integration: int) -> HttpResponseBase:
    """Every version of an integration's policy: number, who, when, and what it changed; drafts apart."""
    row = _integration(integration)
    versions = list(row.versions.order_by("-number")[: SHOWN + 1])
    published, drafts = _listed(row, versions)
    more = len(versions) > SHOWN
    if more and published:
        published.pop()  # what it is compared with is on no page
    context: dict[str, Any] = {"integration": row, "published": published, "drafts": drafts, "more": more}
    return desk.page(
        request,
        "admin/policies/versions.html",
        gettext("Policies of %(provider)s") % {"provider": row.provider.name},
        **context,
    )


@desk.screen("integrations/<int:integration>/policies/draft/", "draft_policy", *LOOK, DRAFT, methods=ACT)
def draft_policy(request: HttpRequest, integration: int) -> HttpResponseBase:
    """A form over the policy in force, or over the version that `from` names; by POST, a new draft."""
    row = _integration(integration)
    base = _base(row, request.GET.get("from", ""))
    began = base.content if base else content.empty()
    adding = "add_row" in request.POST
    sent = with_another_row(request.POST) if adding else request.POST
    editor = Editor(Entry.from_data(row.provider.entry), began, sent if request.method == "POST" else None)
    trouble = ""
    if request.method == "POST" and not adding and editor.is_valid():
        try:
            note = editor.form.cleaned_data["note"]
            made = policy.draft(
                row, editor.content(), author=agent_of(request).get_username(), note=note, now=timezone.now()
            )
        except PolicyError as error:
            trouble = str(error)
        else:
            return redirect("admin:policy_impact", made.pk)
    context: dict[str, Any] = {
        "integration": row,
        "base": base,
        "editor": editor,
        "checked": request.method == "POST" and not adding,
        "trouble": trouble,
    }
    return desk.page(
        request,
        "admin/policies/draft.html",
        gettext("Draft a policy of %(provider)s") % {"provider": row.provider.name},
        **context,
    )


@desk.screen("policies/<int:pk>/again/", "draft_again", *LOOK, DRAFT, methods=("POST",))
def draft_again(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A draft of what a published version said, to go back to it."""
    earlier = version_of(pk)
    if earlier.published_at is None:
        raise Http404
    back = policy.draft_to_restore(
        earlier.integration, earlier, author=agent_of(request).get_username(), now=timezone.now()
    )
    return redirect("admin:policy_impact", back.pk)


def _listed(row: Integration, versions: list[PolicyVersion]) -> tuple[list[Version], list[Version]]:
    """(published, the newest first; drafts, the newest first)."""
    publications = {
        entry.detail.get("version"): entry
        for entry in TrailEntry.objects.filter(integration=row, verb="policy.published").order_by("-pk")[: 2 * SHOWN]
    }
    published = sorted(
        (one for one in versions if one.published_at is not None),
        key=lambda one: (one.published_at, one.number),
        reverse=True,
    )
    before = dict(zip((one.pk for one in published), published[1:], strict=False))
    listed = [
        Version(
            one,
            gettext("in force") if one.pk == row.policy_version_id else gettext("earlier"),
            difference((before[one.pk].content if one.pk in before else against_nothing(one)), one.content),
            publications.get(one.number),
        )
        for one in published
    ]
    in_force = row.policy_version.content if row.policy_version else content.empty()
    superseded: set[str] = set()
    drafts = []
    for one in versions:
        if one.published_at is None:
            state = "superseded" if one.author in superseded else "draft"
            drafts.append(Version(one, state, difference(in_force, one.content)))
            superseded.add(one.author)
    return listed, drafts


def against_nothing(version: PolicyVersion) -> dict[str, Any]:
    """What a first version is compared with: nothing, as the same catalogue has it."""
    return content.empty() | {key: version.content[key] for key in ("provider", "retired")}


def _base(row: Integration, number: str) -> PolicyVersion | None:
    """The version to begin a draft with."""
    if not number:
        return row.policy_version
    if not number.isdecimal() or len(number) > 9:
        raise Http404
    return get_object_or_404(row.versions, number=int(number))


def integrations() -> QuerySet[Integration]:
    """All, with what these pages show of each."""
    return Integration.objects.select_related("provider", "source", "policy_version")


def _integration(pk: int) -> Integration:
    return get_object_or_404(integrations(), pk=pk)


def version_of(pk: int) -> PolicyVersion:
    """The version, with its integration, and what is in force there."""
    versions = PolicyVersion.objects.select_related(
        "integration__provider", "integration__source", "integration__policy_version"
    )
    return get_object_or_404(versions, pk=pk)
