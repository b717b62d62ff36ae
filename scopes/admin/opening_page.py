"""The page that asks why a person is opened."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from scopes.admin import opening
from scopes.admin.act_page import Why, act_page
from scopes.admin.sign_in import is_page_of_desk
from scopes.admin.site import ACT, desk
from scopes.models import Person
from scopes.models.person import FOR_SEARCH


@desk.screen("open/<int:pk>/", "open_person", "scopes.view_person", methods=ACT)
def open_person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET asks for a reason, and shows nothing of the person; POST records it and leads to their page."""
    person = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        opening.explain(request, person, form.act_of(request), timezone.now())
        after = request.GET.get(REDIRECT_FIELD_NAME, "")
        return HttpResponseRedirect(after if is_page_of_desk(after) else reverse("admin:person", args=[pk]))
    minutes = settings.PORTAL_OPENING_REASON_MINUTES
    good_for = ngettext("It is good for %(number)s minute.", "It is good for %(number)s minutes.", minutes)
    return act_page(
        request,
        gettext("Why do you open this person?"),
        about=gettext("Home"),
        back=reverse("admin:index"),
        will=[gettext("Your reason is recorded, and auditors read it."), good_for % {"number": minutes}],
        form=form,
        submit=gettext("Open"),
    )
