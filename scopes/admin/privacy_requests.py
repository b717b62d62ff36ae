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
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import Why, act_page
from scopes.admin.site import ACT, desk
from scopes.models import Person
from scopes.models.person import FOR_SEARCH
from scopes.rights import erased_ids
from scopes.rights.erase import NothingStored, erase
from scopes.rights.export import export
from scopes.rights.personal_data import PersonalData, personal_data_of
from scopes.sync.revoking import revoke_tokens

READS_ALL = "commands"  # every delivery is read: longer than a page may take otherwise
LOOK = ("scopes.view_person", "scopes.view_connection")


class Sure(Why):
    """Why, and that it is meant."""

    sure = forms.BooleanField(label=_("I understand that this can’t be undone"))


@desk.screen("people/<int:pk>/export/", "export_person", *LOOK, "scopes.export_person", methods=ACT, work=READS_ALL)
def export_person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what the document will hold; by POST, download it."""
    person = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
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
        gettext("Export their data"),
        about=str(person),
        back=reverse("admin:person", args=[pk]),
        will=[
            gettext("You download everything stored about %(person)s as one JSON file: %(counted)s.")
            % {"person": person, "counted": _counted(data)},
            gettext("It includes every webhook that names them, and no link secrets."),
            gettext("Send it to the person securely, and keep no copy."),
        ],
        form=form,
        submit=gettext("Download"),
    )


@desk.screen("people/<int:pk>/erase/", "erase_person", *LOOK, "scopes.erase_person", methods=ACT, work=READS_ALL)
def erase_person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what will be erased; by POST, erase it."""
    person = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
    form = Sure(request.POST or None)
    if request.method == "POST" and form.is_valid():
        keys = erased_ids.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        act = form.act_of(request)
        for failed in (revoked := revoke_tokens(person.reference_id)).failed:
            messages.warning(request, failed)
        try:
            erase(person.reference_id, act, keys, timezone.now())
        except NothingStored as gone:
            messages.warning(request, str(gone))
        else:
            messages.success(
                request, gettext("The person was erased. The activity log keeps the entries without their name.")
            )
            if revoked.number:
                messages.success(request, gettext("Ended at the provider: %(number)s.") % {"number": revoked.number})
        request.session.pop("searches", None)
        return redirect("admin:search")
    data = personal_data_of(person.reference_id)
    at_providers = gettext("Where we hold tokens, the access is ended at the provider first, if that works.")
    return act_page(
        request,
        gettext("Erase this person"),
        about=str(person),
        back=reverse("admin:person", args=[pk]),
        will=[
            gettext("%(person)s is erased permanently: %(counted)s.") % {"person": person, "counted": _counted(data)},
            *([at_providers] if data.tokens else []),
            gettext("The content of their webhooks is erased too, and their links stop working right away."),
            gettext("The activity log keeps what was done, when and by whom, but not for whom."),
            gettext("A keyed hash of their ids is kept, so that we notice if they are reported again."),
            gettext("Nothing is erased at the source or in the host application: disconnect the person there first."),
            gettext("Otherwise the next listing adds the connection again, as an unclaimed one."),
        ],
        form=form,
        submit=gettext("Erase this person"),
    )


def _counted(data: PersonalData) -> str:
    return ", ".join(f"{what}: {number:,}" for what, number in data.counts().items())
