"""Every screen of the desk: who may open it, and its address with one of the records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils import timezone

from scopes.models import (
    ApiKey,
    AuditRun,
    Campaign,
    Connection,
    Delivery,
    Endpoint,
    Incident,
    Integration,
    JobFailure,
    LiveCheck,
    Person,
    PolicyVersion,
    Provider,
    ReauthLink,
    Sending,
    Suspicion,
    TrailEntry,
    Waiver,
)

LOOKERS = {"viewer", "agent", "lead", "auditor"}
ALL = LOOKERS | {"engineer"}
NO_ROLE: set[str] = set()


# Screen -> the roles that may open it. The superuser may open all of them.
SCREENS: dict[str, set[str]] = {
    "index": ALL,
    "password_change": ALL,
    "search": LOOKERS,
    "person": LOOKERS,
    "connect": {"agent", "lead"},
    "open_person": LOOKERS,
    "connection": LOOKERS,
    "export_person": {"lead", "auditor"},
    "erase_person": {"lead"},
    "waive": {"agent", "lead"},
    "end_waiver": {"agent", "lead"},
    "dont_contact": {"agent", "lead"},
    "lift_dont_contact": {"lead"},
    "write_note": {"agent", "lead"},
    "escalations": ALL,
    "send_link": {"agent", "lead"},
    "link": LOOKERS,
    "connections": LOOKERS,
    "export_connections": {"lead", "auditor"},
    "duplicates": LOOKERS,
    "unclaimed": LOOKERS,
    "reference_conflicts": LOOKERS,
    "merge": {"lead"},
    "check_now": {"agent", "lead"},
    "check_many": {"agent", "lead"},
    "live_checks": {"agent", "lead"},
    "diagnose": ALL,
    "campaigns": LOOKERS,
    "campaign": LOOKERS,
    "campaign_people": LOOKERS,
    "draft_campaign": {"agent", "lead"},
    "migrations": LOOKERS,
    "draft_migration": {"lead"},
    "change_campaign": {"lead"},
    "scopes_reauthlink_changelist": LOOKERS,
    "scopes_reauthlink_change": LOOKERS,
    "scopes_delivery_changelist": ALL,
    "scopes_delivery_change": ALL,
    "replay_delivery": {"engineer"},
    "scopes_auditrun_changelist": ALL,
    "scopes_auditrun_change": ALL,
    "jobs": {"engineer"},
    "retry_job": {"engineer"},
    "scopes_trailentry_changelist": {"lead", "auditor"},
    "scopes_trailentry_change": {"lead", "auditor"},
    "access_log": {"auditor"},
    "access_entry": {"auditor"},
    "export_access_log": {"auditor"},
    "scopes_integration_changelist": ALL,
    "scopes_integration_change": ALL,
    "scopes_policyversion_changelist": ALL,
    "scopes_policyversion_change": ALL,
    "policies": ALL,
    "draft_policy": {"engineer"},
    "policy_impact": ALL,
    "publish_policy": {"engineer"},
    "suspicions": ALL,
    "confirm_suspicion": {"engineer"},
    "dismiss_suspicion": {"lead", "engineer"},
    "incidents": ALL,
    "release_incident": {"lead", "engineer"},
    "discard_incident": {"lead", "engineer"},
    "source_setups": {"engineer"},
    "api_keys": {"engineer"},
    "make_api_key": {"engineer"},
    "rotate_api_key": {"engineer"},
    "revoke_api_key": {"engineer"},
    "endpoints": {"engineer"},
    "make_endpoint": {"engineer"},
    "rotate_endpoint": {"engineer"},
    "change_endpoint": {"engineer"},
    "sendings": {"engineer"},
    "replay_sending": {"engineer"},
    "unused_permissions": ALL,
    "scopes_provider_changelist": ALL,
    "scopes_provider_change": ALL,
    "sessions": ALL,
    "all_sessions": NO_ROLE,
    "end_sessions": NO_ROLE,
    "remove_second_factor": NO_ROLE,
    "auth_user_changelist": NO_ROLE,
    "auth_user_add": NO_ROLE,
    "auth_user_change": NO_ROLE,
    "auth_user_password_change": NO_ROLE,
}


# Screens of other modules, which their own tests open in every role; and Django's that show nothing.
ELSEWHERE = {
    "link_now", "new_link_address", "login", "logout", "password_change_done", "auth_user_delete", "auth_user_history",
    "remove_note", "escalate", "escalation",
    "draft_again", "mark_distinct", "unmerge", "draft_from_setup", "resend_event",
    "dismiss_reference_conflict", "save_filter", "remove_filter", "mail_link",
}  # fmt: skip


class NoRecord(LookupError):
    """There is no record that the screen could show."""


def address(screen: str) -> str:
    """The address of a screen, with the first of the records for those that show one. Raises NoRecord.

    It is there for the cast of the tests and for the people of the demo.
    """
    draft = PolicyVersion.objects.filter(published_at__isnull=True)
    shown: dict[str, Callable[[], Any]] = {
        **dict.fromkeys(
            ("person", "open_person", "connect", "export_person", "erase_person", "dont_contact", "write_note"),
            lambda: _person("Ben"),
        ),
        "lift_dont_contact": lambda: _person("Cy"),
        **dict.fromkeys(("waive", "merge", "check_now"), _connection),
        "end_waiver": lambda: _first(Waiver.objects.all()),
        **dict.fromkeys(("confirm_suspicion", "dismiss_suspicion"), lambda: _first(Suspicion.objects.all())),
        **dict.fromkeys(("campaign", "campaign_people"), lambda: _first(Campaign.objects.all())),
        "connection": lambda: _first(Connection.objects.filter(person=None, merged_into=None)),
        "scopes_reauthlink_change": lambda: _first(ReauthLink.objects.all()),
        **dict.fromkeys(("scopes_delivery_change", "replay_delivery"), lambda: _first(Delivery.objects.all())),
        "retry_job": lambda: _first(JobFailure.objects.all(), by="job"),
        "rotate_endpoint": lambda: _first(Endpoint.objects.all()),
        "replay_sending": lambda: _first(Sending.objects.filter(state="failed")),
        "scopes_auditrun_change": lambda: _first(AuditRun.objects.all()),
        "scopes_trailentry_change": lambda: _first(TrailEntry.objects.exclude(verb__endswith="opened")),
        "access_entry": _list_seen,
        "scopes_integration_change": _oura,
        "scopes_policyversion_change": lambda: _first(PolicyVersion.objects.all()),
        **dict.fromkeys(("policies", "draft_policy"), _oura),
        **dict.fromkeys(("policy_impact", "publish_policy"), lambda: _first(draft)),
        **dict.fromkeys(("release_incident", "discard_incident"), lambda: _first(Incident.objects.all())),
        "scopes_provider_change": lambda: _first(Provider.objects.all()),
        **dict.fromkeys(("rotate_api_key", "revoke_api_key"), lambda: _first(ApiKey.objects.all())),
        **dict.fromkeys(
            ("auth_user_change", "auth_user_password_change", "end_sessions", "remove_second_factor"),
            lambda: _first(User.objects.all()),
        ),
    }
    if screen == "send_link":
        return reverse("admin:send_link", args=[_person("Ben").pk, _oura().source_id, "oura"])
    if screen == "link":
        return reverse("admin:link", args=[_first(ReauthLink.objects.all()).public_id])
    if screen == "change_endpoint":
        return reverse("admin:change_endpoint", args=[_first(Endpoint.objects.all()).pk, "disable"])
    if screen == "change_campaign":
        return reverse("admin:change_campaign", args=[_first(Campaign.objects.all(), by="-pk").pk, "start"])
    if screen == "draft_migration":
        kind = "production" if _oura().source.production else "test"
        return reverse("admin:draft_migration", args=[_first(Provider.objects.filter(slug="fitbit")).pk, kind])
    if screen == "draft_campaign":
        return reverse("admin:draft_campaign") + f"?connection={_connection().pk}"
    if screen == "check_many":
        return reverse("admin:check_many") + "?health=broken"
    if screen == "live_checks":
        return reverse("admin:live_checks", args=[_first(LiveCheck.objects.all()).batch])
    arguments = [shown[screen]().pk] if screen in shown else []
    return reverse(f"admin:{screen}", args=arguments) + ("?need=heartrate" if screen == "waive" else "")


def _first[Row: Model](rows: QuerySet[Row], by: str = "pk") -> Row:
    found = rows.order_by(by).first()
    if found is None:
        raise NoRecord(rows.model.__name__)
    return found


def _person(first_name: str) -> Person:
    return _first(Person.objects.filter(name__startswith=f"{first_name} "))


def _connection() -> Connection:
    """Ben's to Oura, at which he left a box unticked."""
    return _first(Connection.objects.filter(person=_person("Ben"), integration=_oura(), merged_into=None))


def _oura() -> Integration:
    return _first(Integration.objects.filter(provider__slug="oura"))


def _list_seen() -> TrailEntry:
    """An entry of the access log about a list; the person in it is no longer there."""
    seen = {"verb": "people.listed", "subject": "admin:search", "actor_name": "agent-agent", "detail": {"people": [0]}}
    return TrailEntry.objects.get_or_create(**seen, defaults={"at": timezone.now()})[0]


def patterns(urls: list) -> list:  # type: ignore[type-arg]
    return [one for url in urls for one in (patterns(url.url_patterns) if hasattr(url, "url_patterns") else [url])]
