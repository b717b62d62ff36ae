"""Who acts, and why: what every act at the desk asks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from scopes.models.trail import Act

LONGEST_REASON = 1000


class Why(forms.Form):
    """Why somebody acts, and where that was asked for. Other acts' forms add to it."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why, in a sentence. It is kept in the trail.",
    )
    ticket = forms.CharField(max_length=120, required=False, help_text="The ticket's number, if there is one.")

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
