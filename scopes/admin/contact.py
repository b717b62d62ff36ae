"""Mark a person as not to be contacted, and lift that: each shows first what will happen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
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
from scopes.reauth import contact

LOOK = ("scopes.view_person", "scopes.view_connection")


class MarkForm(Why):
    """Why, and until when."""

    until = forms.DateField(label=_("Until"), required=False, help_text=_("Leave empty for no end date."))

    field_order = ("until", "reason", "ticket")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tomorrow = timezone.now().date() + timedelta(days=1)
        self.fields["until"].widget = forms.DateInput(
            attrs={"type": "date", "min": f"{tomorrow:%Y-%m-%d}"}, format="%Y-%m-%d"
        )


@desk.screen("people/<int:pk>/dont-contact/", "dont_contact", *LOOK, "scopes.set_dont_contact", methods=ACT)
def dont_contact(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what the mark means; POST sets it."""
    person = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
    now = timezone.now()
    trouble = gettext("This person is already marked “Do not contact”.") if contact.mark_of(person, now) else ""
    form = MarkForm(request.POST or None)
    if request.method == "POST" and not trouble and form.is_valid():
        try:
            contact.set_mark(person, form.act_of(request), now, form.cleaned_data["until"])
        except contact.CannotMark as error:
            trouble = str(error)
        else:
            messages.success(request, gettext("This person is now marked “Do not contact”."))
            return redirect("admin:person", pk)
    will = [
        gettext("Agents can no longer send reauth links to %(person)s, for any provider.") % {"person": person},
        gettext("Links already sent still work. A lead can still send one, or allow contact again."),
    ]
    return _answer(
        request,
        person,
        gettext("Do not contact %(person)s") % {"person": person},
        will,
        trouble,
        form,
        gettext("Do not contact"),
    )


@desk.screen("people/<int:pk>/contact/", "lift_dont_contact", *LOOK, "scopes.lift_dont_contact", methods=ACT)
def lift_dont_contact(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what lifting the mark means; POST lifts it."""
    person = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
    now = timezone.now()
    mark = contact.mark_of(person, now)
    trouble = "" if mark else gettext("This person is not marked “Do not contact”.")
    form = Why(request.POST or None)
    if request.method == "POST" and mark and form.is_valid():
        try:
            contact.lift(mark, form.act_of(request), now)
        except contact.CannotMark as error:
            trouble = str(error)
        else:
            messages.success(request, gettext("This person can be contacted again."))
            return redirect("admin:person", pk)
    will = [gettext("Agents can send reauth links to %(person)s again.") % {"person": person}]
    return _answer(
        request,
        person,
        gettext("Allow contact with %(person)s again") % {"person": person},
        will,
        trouble,
        form,
        gettext("Allow contact again"),
    )


def _answer(
    request: HttpRequest, person: Person, title: str, will: list[str], trouble: str, form: forms.Form, submit: str
) -> HttpResponseBase:
    may = not trouble or form.is_bound
    return act_page(
        request,
        title,
        about=str(person),
        back=reverse("admin:person", args=[person.pk]),
        will=will if may else (),
        form=form if may else None,
        submit=submit,
        trouble=trouble,
    )
