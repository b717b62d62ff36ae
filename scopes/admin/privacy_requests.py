"""A person's rights: export all that is kept about them, and erase it. Each with a reason and an entry in the trail."""

from __future__ import annotations

import json

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.models import Person
from scopes.rights import erased_ids
from scopes.rights.erase import NothingStored, erase
from scopes.rights.export import export
from scopes.rights.personal_data import PersonalData, personal_data_of

READS_ALL = "commands"  # every delivery is read: longer than a page may take otherwise
LOOK = ("scopes.view_person", "scopes.view_connection")


class Sure(Why):
    """Why, and that it is meant."""

    sure = forms.BooleanField(label="Erase it: I know that nothing brings it back")


@desk.screen("people/<int:pk>/export/", "export_person", *LOOK, "scopes.export_person", methods=ACT, work=READS_ALL)
def export_person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what the document will hold; by POST, download it."""
    person = get_object_or_404(Person.objects.defer("search"), pk=pk)
    data = personal_data_of(person.reference_id)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        act = form.act_of(request)
        act.entry(
            "person.exported",
            now,
            person=person,
            subject=person.reference_id[:200],
        ).save()
        document = json.dumps(export(personal_data_of(person.reference_id), now), indent=2, ensure_ascii=False)
        response = HttpResponse(document, content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="person-{pk}-{now:%Y-%m-%d}.json"'
        return response
    return act_page(
        request,
        "Export all that is kept",
        about=str(person),
        back=reverse("admin:person", args=[pk]),
        will=[
            f"You download all that is kept about {person}, as one JSON document: {_counted(data)}.",
            "Every webhook that names them is in it. No secret of a link is.",
            "What you download is theirs: hand it on safely, and keep no copy.",
        ],
        form=form,
        submit="Download it",
    )


@desk.screen("people/<int:pk>/erase/", "erase_person", *LOOK, "scopes.erase_person", methods=ACT, work=READS_ALL)
def erase_person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what will be erased; by POST, erase it."""
    person = get_object_or_404(Person.objects.defer("search"), pk=pk)
    form = Sure(request.POST or None)
    if request.method == "POST" and form.is_valid():
        keys = erased_ids.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        act = form.act_of(request)
        try:
            erase(person.reference_id, act, keys, timezone.now())
        except NothingStored as gone:
            messages.warning(request, str(gone))
        else:
            messages.success(request, "The person was erased. What was done stays in the trail, without for whom.")
        request.session.pop("searches", None)
        return redirect("admin:search")
    return act_page(
        request,
        "Erase this person",
        about=str(person),
        back=reverse("admin:person", args=[pk]),
        will=[
            f"{person} is erased here for good: {_counted(personal_data_of(person.reference_id))}.",
            "What webhooks said of them is erased too, and links that were sent stop working at once.",
            "The trail keeps what was done, when and by whom, without for whom.",
            "A keyed hash of their ids is kept, so that a record that comes back says so.",
            "Nothing is erased at the source or in the host application: have the person disconnected there first.",
            "Otherwise the next listing brings the connection back, as one that nobody has claimed.",
        ],
        form=form,
        submit="Erase this person",
    )


def _counted(data: PersonalData) -> str:
    return ", ".join(f"{what}: {number:,}" for what, number in data.counts().items())
