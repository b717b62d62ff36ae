"""The pages of sessions, and what an administrator does about an agent's: ends them, or removes a second factor."""

from __future__ import annotations

from itertools import islice

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin import sign_in_log
from scopes.admin.act_page import Why, act_page, agent_of
from scopes.admin.refused import refusal
from scopes.admin.sessions import end, end_all_of, name_of, open_sessions
from scopes.admin.site import ACT, desk
from scopes.counted import counted
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction

MANAGE = "auth.change_user"
MOST_SHOWN = 500


@desk.screen("sessions/", "sessions", methods=ACT)
def own_sessions(request: HttpRequest) -> HttpResponseBase:
    """The agent's own sessions; POST ends one of them, or all but this."""
    agent, now = agent_of(request), timezone.now()
    own = [one for one in open_sessions(now) if one.agent == agent.pk]
    here = name_of(request.session.session_key or "")
    if request.method == "POST":
        wanted = request.POST.get("end", "")
        names = [one.name for one in own if one.name != here and wanted in (one.name, "others")]
        if ended := end(names):
            sign_in_log.sessions_ended(agent, ended, Act(agent), now)
        return redirect("admin:sessions")
    rows = [(one, agent.get_username(), one.name == here) for one in own]
    return desk.page(request, "admin/sign_in/sessions.html", gettext("Your sessions"), rows=rows)


@desk.screen("sessions/all/", "all_sessions")
def all_sessions(request: HttpRequest) -> HttpResponseBase:
    """Everybody's sessions."""
    _for_administrators(request)
    found = list(islice(open_sessions(timezone.now()), MOST_SHOWN))
    names = dict(User.objects.filter(pk__in={one.agent for one in found}).values_list("pk", "username"))
    here = name_of(request.session.session_key or "")
    rows = [(one, names.get(one.agent, "—"), one.name == here) for one in found]
    return desk.page(request, "admin/sign_in/sessions.html", gettext("All sessions"), rows=rows, everybody=True)


@desk.screen("agents/<int:pk>/end-sessions/", "end_sessions", methods=ACT)
def end_sessions(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what it means to sign an agent out everywhere; POST does it."""
    _for_administrators(request)
    user, form = get_object_or_404(User, pk=pk), Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _end_sessions(user, form.act_of(request))
        messages.success(request, gettext("%(agent)s is signed out everywhere.") % {"agent": user})
        return redirect("admin:auth_user_change", pk)
    number = sum(one.agent == user.pk for one in open_sessions(timezone.now()))
    return act_page(
        request,
        gettext("End the sessions of %(agent)s") % {"agent": user},
        about=user.get_username(),
        back=reverse("admin:auth_user_change", args=[pk]),
        will=[
            gettext("Open now: %(sessions)s.") % {"sessions": counted(number, "session")},
            gettext("They can sign in again. Untick “active” to keep them out."),
        ],
        form=form,
        submit=gettext("End the sessions"),
    )


@desk.screen("agents/<int:pk>/remove-second-factor/", "remove_second_factor", methods=ACT)
def remove_second_factor(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET shows what it means to remove an agent's second factors, for one who lost them; POST removes them."""
    _for_administrators(request)
    user, form = get_object_or_404(User, pk=pk), Why(request.POST or None)
    trouble = "" if Authenticator.objects.filter(user=user).exists() else gettext("There is none.")
    if request.method == "POST" and not trouble and form.is_valid():
        _remove_second_factor(user, form.act_of(request))
        messages.success(request, gettext("%(agent)s has no second factor now.") % {"agent": user})
        return redirect("admin:auth_user_change", pk)
    return act_page(
        request,
        gettext("Remove the second factor of %(agent)s") % {"agent": user},
        about=user.get_username(),
        back=reverse("admin:auth_user_change", args=[pk]),
        will=[
            gettext("Their app, passkeys and recovery codes stop working, and their sessions end."),
            gettext("Until they set up another, their password alone is enough to do so. Be sure who asks."),
        ],
        form=None if trouble else form,
        submit=gettext("Remove it"),
        trouble=trouble,
    )


@in_transaction
def _end_sessions(user: User, act: Act) -> None:
    sign_in_log.sessions_ended(user, end_all_of(user), act, timezone.now())


@in_transaction
def _remove_second_factor(user: User, act: Act) -> None:
    Authenticator.objects.filter(user=user).delete()
    sign_in_log.factor_removed(user, "all", timezone.now(), act)
    end_all_of(user)


def _for_administrators(request: HttpRequest) -> None:
    if not request.user.has_perm(MANAGE):
        raise refusal([MANAGE])
