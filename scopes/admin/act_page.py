"""Who acts, and why: what every act at the desk asks for, and the page that says first what will happen."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from scopes.admin.site import desk
from scopes.models.trail import Act

LONGEST_REASON = 1000


class Why(forms.Form):
    """Why somebody acts, and where that was asked for. Other acts' forms add to it."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Why, in one sentence. It is recorded in the activity log."),
    )
    ticket = forms.CharField(max_length=120, required=False, help_text=_("Ticket number, if there is one."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def act_of(self, request: HttpRequest) -> Act:
        """The act of who is signed in; once the form is valid."""
        return Act(agent_of(request), self.cleaned_data["reason"], self.cleaned_data["ticket"])


def agent_of(request: HttpRequest) -> User:
    """Who is signed in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def act_page(
    request: HttpRequest,
    title: str,
    *,
    about: str,
    back: str,
    will: Sequence[str],
    form: forms.Form | None,
    submit: str,
    trouble: str = "",
    refused: int = HTTPStatus.CONFLICT,
    template: str = "admin/acts/act.html",
    **context: Any,
) -> TemplateResponse:
    """The page of an act: what `will` happen, or the `trouble` that forbids it, and the form, where it may be done.

    `about` names what it is about, and `back` is the address of its page. A `template` of its own
    gets more `context`. What was sent and could not be done has the status `refused`.
    """
    return desk.page(
        request,
        template,
        title,
        http_status=refused if request.method == "POST" and trouble else HTTPStatus.OK,
        about=about,
        back=back,
        will=will,
        form=form,
        submit=submit,
        trouble=trouble,
        **context,
    )
