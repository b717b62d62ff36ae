"""Connections that a source reported for two people, and a lead's act on them: to dismiss what was looked into."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.act_page import Why, act_page
from scopes.admin.id_pages import page_by_id
from scopes.admin.site import ACT, desk
from scopes.admin.waive import LOOK
from scopes.intake.matching import reference_conflicts as intake
from scopes.intake.matching.reference_conflicts import AlreadyDismissed
from scopes.judge.reference_conflicts import contradictions
from scopes.models import ReferenceConflict


@desk.screen("reference-conflicts/", "reference_conflicts", *LOOK)
def reference_conflicts(request: HttpRequest) -> HttpResponseBase:
    """A page of the connections that were reported for two people, the newest first."""
    pages = page_by_id(request, ReferenceConflict.objects.filter(ended_at__isnull=True))
    rows = contradictions(ReferenceConflict.objects.filter(pk__in=[row.pk for row in pages.rows]).order_by("-pk"))
    title = gettext("Connections reported for two people")
    return desk.page(request, "admin/duplicates/reference_conflicts.html", title, rows=rows, pages=pages)


@desk.screen(
    "reference-conflicts/<int:pk>/dismiss/",
    "dismiss_reference_conflict",
    *LOOK,
    "scopes.dismiss_reference_conflict",
    methods=ACT,
)
def dismiss(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what dismissing does; POST does it."""
    get_object_or_404(ReferenceConflict, pk=pk)
    open_ones = contradictions(ReferenceConflict.objects.filter(pk=pk))
    trouble = "" if open_ones else str(AlreadyDismissed())
    form = Why(request.POST or None)
    if request.method == "POST" and open_ones and form.is_valid():
        try:
            intake.dismiss(pk, form.act_of(request), timezone.now())
        except AlreadyDismissed as over:
            trouble = str(over)
        else:
            messages.success(request, gettext("The report was dismissed."))
            return redirect("admin:reference_conflicts")
    return act_page(
        request,
        gettext("Dismiss “Reported for two people”"),
        about=gettext("Connections reported for two people"),
        back=reverse("admin:reference_conflicts"),
        will=[]
        if trouble
        else [
            open_ones[0].sentence,
            gettext("The connection doesn’t change."),
            gettext(
                "It is no longer shown in this list or on either person’s page, even if the source reports it again."
            ),
        ],
        form=None if trouble else form,
        submit=gettext("Dismiss"),
        trouble=trouble,
    )
