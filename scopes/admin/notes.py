"""Notes about a person, by agents for each other."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import Why, act_page, agent_of
from scopes.admin.contact import LOOK
from scopes.admin.site import ACT, desk
from scopes.diagnose import mask
from scopes.models import Note, Person
from scopes.models.person import FOR_SEARCH
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

WRITE = "scopes.write_note"
LONGEST = 2_000
SHOWN = 50


class NoteForm(forms.Form):
    """The text. Tokens and addresses in it are masked before it is kept."""

    text = forms.CharField(
        label=_("Note"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For your colleagues. E-mail addresses and tokens in it are masked."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.label_suffix = ""


def notes_of(person: Person) -> list[Note]:
    """The notes about a person, newest first."""
    return list(person.notes.order_by("-created_at", "-pk")[:SHOWN])


@desk.screen("people/<int:pk>/notes/", "write_note", *LOOK, WRITE, methods=ACT)
def write_note(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET is the form alone; POST writes the note and leads back to the person."""
    person = get_object_or_404(Person.objects.defer(*FOR_SEARCH), pk=pk)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        write(person, form.cleaned_data["text"], Act(agent_of(request)), timezone.now())
        return redirect(f"{reverse('admin:person', args=[pk])}#notes")
    return act_page(
        request,
        gettext("Write a note"),
        about=str(person),
        back=reverse("admin:person", args=[pk]),
        will=(),
        form=form,
        submit=gettext("Save note"),
    )


@desk.screen("notes/<int:pk>/remove/", "remove_note", *LOOK, WRITE, methods=ACT)
def remove_note(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows the note; POST removes it: one's own, or with the permission for it another's."""
    note = get_object_or_404(Note.objects.select_related("person"), pk=pk)
    if note.author != agent_of(request).get_username() and not request.user.has_perm("scopes.remove_note"):
        raise PermissionDenied
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        remove(note, form.act_of(request), timezone.now())
        messages.success(request, gettext("The note was removed."))
        return redirect("admin:person", note.person_id)
    return act_page(
        request,
        gettext("Remove a note"),
        about=str(note.person),
        back=reverse("admin:person", args=[note.person_id]),
        will=[gettext("The note of %(author)s is deleted: %(text)s") % {"author": note.author, "text": note.text}],
        form=form,
        submit=gettext("Remove"),
    )


@in_transaction
def write(person: Person, text: str, act: Act, now: datetime) -> Note:
    """A note about the person, without the secrets and addresses in it."""
    note = Note.objects.create(person=person, text=mask(text), author=act.name, created_at=now)
    act.entry("note.written", now, person=person, detail={"note": note.pk}).save()
    return note


@in_transaction
def remove(note: Note, act: Act, now: datetime) -> None:
    """Delete the note; the activity log keeps that there was one, and whose."""
    act.entry("note.removed", now, person_id=note.person_id, detail={"note": note.pk, "author": note.author}).save()
    note.delete()
