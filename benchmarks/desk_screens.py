"""Every screen of the desk, with addresses of it to open one after the other: of several records, of each filter."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.auth.models import User
from django.db.models import Count, Max, Min, Model, QuerySet
from django.urls import URLPattern, URLResolver, reverse

from scopes.admin.screens import desk
from scopes.judge import lookup
from scopes.models import (
    ApiKey,
    AuditRun,
    Campaign,
    Connection,
    Delivery,
    Endpoint,
    Escalation,
    Incident,
    Integration,
    LiveCheck,
    Merge,
    Note,
    Person,
    PolicyVersion,
    Provider,
    ReauthLink,
    ReferenceConflict,
    Sending,
    SuspectedDuplicate,
    Suspicion,
    TrailEntry,
    Waiver,
)
from scopes.queue import failed

SEVERAL = 40
# Asks the source, of which there is none here.
NOT_OPENED = {"resend_event"}
# Django's, which show no page of their own.
SHOW_NOTHING = {"login", "logout", "auth_user_delete"}
# These need to know what they are about.
CHOSEN = {"check_many": "?health=broken", "draft_campaign": "?health=blocked"}
LED_TO = {name: re.compile(rf'href="([^"]*/{name}/\?[^"]*)"') for name in ("waive", "escalate")}
ANOTHER_PAGE = re.compile(r'href="(\?[^"]*)"')

type Named = list[tuple[Any, ...]]


def screens() -> dict[str, list[str]]:
    """Screen -> addresses of it, with a record each for those that show one; none where no record is known."""
    found: dict[str, list[str]] = {}
    for pattern in _patterns(desk.get_urls()):
        name, view = str(pattern.name), pattern.callback
        if name in NOT_OPENED | SHOW_NOTHING or "GET" not in getattr(view, "methods", ("GET",)):
            continue
        if name in LED_TO:
            continue
        if not pattern.pattern.regex.groups:
            found[name] = [reverse(f"admin:{name}") + CHOSEN.get(name, "")]
        else:
            found[name] = [reverse(f"admin:{name}", args=named) for named in RECORDS.get(name, list)()]
    return found


def led_to(pages: Iterable[str]) -> dict[str, list[str]]:
    """The screens that need more than a record, by the links to them on pages of people."""
    found: dict[str, list[str]] = {name: [] for name in LED_TO}
    for page in pages:
        for name, link in LED_TO.items():
            found[name] += map(html.unescape, link.findall(page))
    return found


def choices(address: str, page: str) -> dict[str, list[str]]:
    """What a list leads to in itself: names of the parameters -> addresses. A page of it is `after` or `before`."""
    found: dict[str, list[str]] = {}
    for query in dict.fromkeys(html.unescape(one) for one in ANOTHER_PAGE.findall(page)):
        if names := " ".join(sorted(name for name, _ in parse_qsl(query[1:]))):
            found.setdefault(names, []).append(address + query)
    return found


def combined() -> dict[str, list[str]]:
    """Filters of the connections together, in the orders that an index allows."""
    listed = reverse("admin:connections")
    of_one = [f"{listed}?integration={pk}" for pk in Integration.objects.values_list("pk", flat=True)]
    return {
        "a provider's, by consent": [f"{one}&order=last_consent" for one in of_one],
        "a provider's blocked ones, by consent": [f"{one}&health=blocked&order=first_consent" for one in of_one],
        "a provider's declined scopes": [f"{one}&reason=declined" for one in of_one],
        "blocked, newest first": [f"{listed}?health=blocked&order=newest"],
    }


def person_with_most() -> str:
    """The page of the person with the most connections."""
    counted = Connection.objects.filter(person__isnull=False).values("person").annotate(number=Count("pk"))
    return reverse("admin:person", args=[counted.order_by("-number")[0]["person"]])


def people_in_trouble() -> list[str]:
    """Pages of people with a blocked connection."""
    rows = lookup.page(lookup.standings_where(health="blocked"), size=SEVERAL)
    return [reverse("admin:person", args=[row.person_id]) for row in rows if row.person_id]


def _patterns(urls: Sequence[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for url in urls:
        if isinstance(url, URLResolver):
            yield from _patterns(url.url_patterns)
        elif url.name:
            yield url


def _of(rows: QuerySet[Any] | type[Model], *columns: str) -> Callable[[], Named]:
    """Reads the columns of several rows, from the first to the last of the table."""

    def read() -> Named:
        every = rows if isinstance(rows, QuerySet) else rows._default_manager.all()
        ends = every.aggregate(first=Min("pk"), last=Max("pk"))
        if ends["first"] is None:
            return []
        starts = {ends["first"] + (ends["last"] - ends["first"]) * place // SEVERAL for place in range(SEVERAL)}
        found = (
            every.filter(pk__gte=start).order_by("pk").values_list(*(columns or ("pk",))).first()
            for start in sorted(starts)
        )
        return list(dict.fromkeys(one for one in found if one is not None))

    return read


def _with(more: str, rows: Any) -> Callable[[], Named]:
    return lambda: [(*one, more) for one in rows()]


_CLAIMED = Connection.objects.filter(person__isnull=False, merged_into__isnull=True)
_PEOPLE, _LINKS = _of(Person), _of(ReauthLink, "public_id")
_PUBLISHED = PolicyVersion.objects.filter(published_at__isnull=False)
_DRAFTS = PolicyVersion.objects.filter(published_at__isnull=True)

RECORDS: dict[str, Callable[[], Named]] = {
    **dict.fromkeys(("person", "export_person", "erase_person", "dont_contact", "write_note", "connect"), _PEOPLE),
    "lift_dont_contact": _of(Person.objects.filter(dont_contact__isnull=False)),
    "remove_note": _of(Note),
    "connection": _of(Connection.objects.filter(person__isnull=True)),
    **dict.fromkeys(("merge", "check_now"), _of(_CLAIMED)),
    "mark_distinct": _of(SuspectedDuplicate, "first", "second"),
    "unmerge": _of(Merge),
    "dismiss_reference_conflict": _of(ReferenceConflict),
    "end_waiver": _of(Waiver),
    "send_link": _of(_CLAIMED, "person", "integration__source", "integration__provider__slug"),
    **dict.fromkeys(("link", "link_now"), _LINKS),
    "scopes_reauthlink_change": _of(ReauthLink),
    "live_checks": lambda: list(LiveCheck.objects.values_list("batch")[:1]),
    **dict.fromkeys(("campaign", "campaign_people"), _of(Campaign)),
    "change_campaign": _with("start", _of(Campaign.objects.filter(state="draft"))),
    "escalation": _of(Escalation),
    **dict.fromkeys(("scopes_delivery_change", "replay_delivery"), _of(Delivery)),
    "retry_job": lambda: [(job.pk,) for job in failed(1)],
    "scopes_auditrun_change": _of(AuditRun),
    "scopes_trailentry_change": _of(TrailEntry.objects.filter(verb="link.issued")),
    "access_entry": _of(TrailEntry.objects.filter(verb="people.listed")),
    "scopes_integration_change": _of(Integration),
    "scopes_policyversion_change": _of(_PUBLISHED),
    **dict.fromkeys(("policies", "draft_policy"), _of(Integration)),
    **dict.fromkeys(("policy_impact", "publish_policy"), _of(_DRAFTS)),
    **dict.fromkeys(("confirm_suspicion", "dismiss_suspicion"), _of(Suspicion)),
    **dict.fromkeys(("release_incident", "discard_incident"), _of(Incident)),
    **dict.fromkeys(("rotate_api_key", "revoke_api_key"), _of(ApiKey)),
    "rotate_endpoint": _of(Endpoint),
    "change_endpoint": _with("disable", _of(Endpoint)),
    "replay_sending": _of(Sending.objects.filter(state="failed")),
    "scopes_provider_change": _of(Provider),
    **dict.fromkeys(
        ("auth_user_change", "auth_user_password_change", "auth_user_history", "end_sessions", "remove_second_factor"),
        _of(User.objects.filter(is_active=True)),
    ),
}
