"""Make a reauth link for a person, where the preflight says that it would help."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from ninja import Router, Schema
from pydantic import Field, StringConstraints

from scopes import access_log
from scopes.api import idempotency
from scopes.api.caller import act_of, person_of
from scopes.api.keys import Permission, allows, caller, source_of, sources_of
from scopes.api.problems import Problem
from scopes.api.verdicts import STORABLE, ReferenceId, Slug, SourceKey
from scopes.models import Connection, Integration, Person, Source
from scopes.reasons import Helps
from scopes.reauth import consent_text
from scopes.reauth.issue import DAYS, Issued, NoSuchResource, NotAllowed, Wish, issue
from scopes.reauth.languages import LONGEST_CODE, language_of
from scopes.reauth.preflight import Preflight
from scopes.reauth.public_address import public_address
from scopes.reauth.target import Target, target_of

LONGEST_LIFE = 14
LARGEST_ID = 2**63 - 1
# Why this person is not asked now, whatever a link would fix.
ABOUT_CONTACT = frozenset({"dont_contact", "too_many_links", "unchanged_twice"})

router = Router(tags=["Links"])

Text = Annotated[str, StringConstraints(max_length=1000, pattern=STORABLE)]
Ticket = Annotated[str, StringConstraints(max_length=120, pattern=STORABLE)]


class LinkIn(Schema):
    """For whom, and for which provider through which source.

    `connection` is needed where the person has several there, `region` where the provider has several and it is not
    known which one is the person's. `language` is that of the page, else the person's own. `days` is how long it works.
    """

    reference_id: ReferenceId
    provider: Slug
    source: SourceKey | None = None
    connection: int | None = Field(None, ge=1, le=LARGEST_ID)
    language: str = Field("", max_length=LONGEST_CODE, pattern=r"^[A-Za-z_-]*$")
    days: int = Field(DAYS, ge=1, le=LONGEST_LIFE)
    region: Annotated[str, StringConstraints(max_length=255, pattern=STORABLE)] = ""
    reason: Text = ""
    ticket: Ticket = ""


class NeedOut(Schema):
    """A scope that the link is for, and how the consent screen calls it, empty where that is not known."""

    scope: str
    label: str
    box: str
    need: str
    reason: str


class LeftOutOut(Schema):
    """A scope that stays missing after the link, why, and who can fix it how."""

    label: str
    reason: str
    who: str
    action: str


class LinkMade(Schema):
    """The link. `url` is shown this once and stored nowhere; it replaces an earlier link of the same kind.

    `provider` is where it leads: the successor of one that is retired. `fixes_connection`: it makes the connection
    itself, or makes it work again. `message` is a text to send to the person.
    """

    id: str
    url: str
    expires_at: datetime
    source: str
    provider: str
    link_helps: Helps
    fixes_connection: bool
    needs: list[NeedOut]
    left_out: list[LeftOutOut]
    warnings: list[str]
    message: str


@router.post(
    "links",
    auth=allows(Permission.WRITE_LINKS),
    response={201: LinkMade},
    summary="Make a reauth link",
)
def make_link(request: HttpRequest, body: LinkIn) -> HttpResponse:
    """A link, or 409 `link_would_not_help` with the reasons, who can fix each, and how.

    409 `link_not_allowed` says that the person is not asked now: they are not to be contacted, or had too many links.
    """
    idempotency.keep_secret(request)
    key, now = caller(request), timezone.now()
    source = source_of(key, body.source)
    person = person_of(key, body.reference_id)
    integration = _integration(source, body.provider)
    connection = _connection(person, integration, body.connection)
    access_log.note(act_of(key), person, now)
    # The successor of a retired provider may be at another source; one that the key is not for is as if it were not.
    at_most, sources = settings.PORTAL_LINKS_A_MONTH, sources_of(key)
    target = target_of(person, integration, now, connection, at_most=at_most, sources=sources)
    wish = Wish(
        act_of(key, body.reason.strip() or "By the API.", body.ticket.strip()),
        language_of(body.language, person.locale),
        body.days,
        resource=body.region,
    )
    try:
        issued = issue(person, integration, wish, now, connection, at_most=at_most, sources=sources)
    except NotAllowed as refused:
        raise _not_allowed(refused.preflight) from None
    except NoSuchResource as problem:
        raise Problem(
            409, "region_missing", "Say in which region the person signed up.", regions=list(problem.resources)
        ) from None
    content = _made(request, issued, target, person).model_dump_json()
    response = HttpResponse(content, status=201, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _integration(source: Source, provider: str) -> Integration:
    integrations = Integration.objects.select_related("provider", "source", "policy_version")
    found = integrations.filter(source=source, provider__slug=provider).first()
    if found is None:
        raise Problem(404, "integration_not_found", "The source has no integration with this provider.")
    return found


def _connection(person: Person, integration: Integration, pk: int | None) -> Connection | None:
    """The connection that the call names, where it is this person's."""
    if pk is None:
        return None
    rows = Connection.objects.select_related("standing").filter(person=person, integration=integration)
    found = rows.filter(pk=pk, merged_into__isnull=True).first()
    if found is None:
        raise Problem(404, "connection_not_found", "The person has no such connection there.")
    return found


def _not_allowed(preflight: Preflight) -> Problem:
    reasons = [
        {"code": one.code, "meaning": one.why, "who": one.who, "action": one.action} for one in preflight.obstacles
    ]
    if all(one.code in ABOUT_CONTACT for one in preflight.obstacles):
        return Problem(409, "link_not_allowed", "The person is not asked now.", reasons=reasons)
    return Problem(409, "link_would_not_help", "A link would not help.", reasons=reasons)


def _made(request: HttpRequest, issued: Issued, target: Target, person: Person) -> LinkMade:
    link, preflight = issued.link, target.preflight
    url = public_address(request, "reauth_landing", link.public_id, issued.secret)
    with translation.override(link.language):
        consent = consent_text.for_link(link, link.needs, settings.PORTAL_HOST_NAME)
        message = consent_text.message(consent, name=person.name, url=url, expires_at=link.expires_at)
    return LinkMade(
        id=link.public_id,
        url=url,
        expires_at=link.expires_at,
        source=link.integration.source.key,
        provider=preflight.provider.slug,
        link_helps=preflight.helps,
        fixes_connection=preflight.fixes_link,
        needs=[
            NeedOut(scope=need.scope, label=need.label, box=need.box, need=need.level, reason=need.reason)
            for need in preflight.needs
        ],
        left_out=[
            LeftOutOut(label=one.label, reason=one.reason, who=one.who, action=one.action) for one in preflight.left_out
        ],
        warnings=list(preflight.warnings),
        message=message,
    )
