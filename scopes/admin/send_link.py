"""Send a reauth link: first whether it would help, and what the person will see. Its own page shows the address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import Why
from scopes.admin.escalations import of_connection
from scopes.admin.link_mail import issue_by_mail, mail_trouble
from scopes.admin.link_page import to_page, to_page_with_address
from scopes.admin.link_words import WHY
from scopes.admin.site import ACT, desk
from scopes.models import Connection, Integration, Person
from scopes.reauth import consent_text
from scopes.reauth.consent_text import ConsentText
from scopes.reauth.issue import DAYS, NoSuchResource, NotAllowed, Wish, issue
from scopes.reauth.languages import language_of
from scopes.reauth.messages import CannotQueue
from scopes.reauth.target import Target, target_of

LOOK = ("scopes.view_person", "scopes.view_reauthlink")
SEND = "scopes.send_reauth_link"
OVERRIDE = "scopes.override_preflight"
LIFETIMES = {1: _("1 day"), 3: _("3 days"), 7: _("7 days"), 14: _("14 days")}


COPY, EMAIL = "copy", "email"
CHANNELS = (
    (COPY, _("You copy the address into your reply")),
    (EMAIL, _("By e-mail, sent within a minute")),
)


class SendForm(Why):
    """What the agent decides."""

    language = forms.ChoiceField(choices=lambda: settings.LANGUAGES)
    days = forms.TypedChoiceField(label=_("Works for"), choices=list(LIFETIMES.items()), coerce=int, initial=DAYS)
    override = forms.BooleanField(
        label=_("Send it anyway"), required=False, help_text=_("Explain in the reason why you send it anyway.")
    )

    field_order = ("resource", "channel", "language", "days", "reason", "ticket", "override")

    def __init__(
        self, *args: Any, may_override: bool, resources: tuple[str, ...], may_mail: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if may_mail:
            self.fields["channel"] = forms.ChoiceField(
                label=_("How it reaches the person"), choices=CHANNELS, initial=COPY, widget=forms.RadioSelect
            )
        if resources:
            self.fields["resource"] = forms.ChoiceField(
                label=_("Region"),
                choices=[("", gettext("Choose")), *((name, name) for name in resources)],
                help_text=_("Accounts of this provider are regional. Ask the person in which region they signed up."),
            )
        self.order_fields(self.field_order)
        if may_override:
            self.fields["override"].required = True
        else:
            del self.fields["override"]


@desk.screen("people/<int:person>/link/<int:source>/<str:provider>/", "send_link", *LOOK, SEND, methods=ACT)
def send_link(request: HttpRequest, person: int, source: int, provider: str) -> HttpResponse:
    """GET shows whether a link would help, and what the person will see; POST makes it and leads to its page."""
    someone = get_object_or_404(Person, pk=person)
    integration = get_object_or_404(_integrations(), source=source, provider__slug=provider)
    now = timezone.now()
    connection = _connection(request, someone, integration)
    target = target_of(someone, integration, now, connection, at_most=settings.PORTAL_LINKS_A_MONTH)
    preflight = target.preflight
    may_override = preflight.overridable and request.user.has_perm(OVERRIDE)
    language = language_of(request.GET.get("language", ""), someone.locale)
    no_mail = mail_trouble(someone)
    form = SendForm(
        request.POST or None,
        may_override=may_override,
        resources=target.resources,
        may_mail=not no_mail,
        initial={"language": language},
    )
    if request.method == "POST" and (preflight.allowed or may_override) and form.is_valid():
        data = form.cleaned_data
        wish = Wish(
            form.act_of(request),
            data["language"],
            data["days"],
            override=bool(data.get("override")),
            resource=data.get("resource", ""),
        )
        by_mail = data.get("channel") == EMAIL
        make = issue_by_mail if by_mail else issue
        try:
            issued = make(someone, integration, wish, now, connection, at_most=settings.PORTAL_LINKS_A_MONTH)
        except CannotQueue as problem:
            form.add_error("channel", WHY[problem.why].capitalize() + ".")
        except NotAllowed as problem:
            preflight = problem.preflight
        except NoSuchResource as problem:  # what is known of the connection has changed since the page was shown
            form.add_error(None, str(problem))
        else:
            return to_page(issued.link) if by_mail else to_page_with_address(request, issued)
    context = {
        "person": someone,
        "preflight": preflight,
        "succeeds": integration.provider if target.provider.slug != integration.provider.slug else None,
        "consent": _preview(target, language),
        "languages": settings.LANGUAGES,
        "form": form,
        "no_mail": no_mail,
        "may_send": preflight.allowed or may_override,
        "connection": connection,
        "escalations": of_connection(target.connection) if target.connection and not preflight.allowed else (),
    }
    words = (
        gettext("A link to reconnect %(provider)s") if target.connection else gettext("A link to connect %(provider)s")
    )
    title = words % {"provider": target.provider.name}
    status = 409 if request.method == "POST" and not context["may_send"] else 200
    return desk.page(request, "admin/send_link/send.html", title, http_status=status, **context)


def _preview(target: Target, language: str) -> ConsentText:
    with translation.override(language):
        return consent_text.for_target(target, settings.PORTAL_HOST_NAME)


def _connection(request: HttpRequest, person: Person, integration: Integration) -> Connection | None:
    """The connection that the address names, where it is this person's."""
    named = request.GET.get("connection", "")
    if not named:
        return None
    if not named.isdecimal() or len(named) > 18:
        raise Http404
    connections = Connection.objects.select_related("standing")
    return get_object_or_404(
        connections, pk=int(named), person=person, integration=integration, merged_into__isnull=True
    )


def _integrations() -> Any:
    return Integration.objects.select_related("provider", "source", "policy_version")
