"""Every screen of the desk: who may open it, and its address with one of the records."""

from __future__ import annotations

from django.contrib.auth.models import User
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
    JobFailure,
    LiveCheck,
    PolicyVersion,
    Provider,
    ReauthLink,
    Sending,
    Suspicion,
    TrailEntry,
    Waiver,
)
from tests import cast as people

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


def address(screen: str) -> str:
    """The address of a screen, with one of the records for those that show one."""
    shown = {
        **dict.fromkeys(
            ("person", "connect", "export_person", "erase_person", "dont_contact", "write_note"),
            lambda: people.the("Ben"),
        ),
        "lift_dont_contact": lambda: people.the("Cy"),
        "waive": lambda: people.connection_of("Ben"),
        "end_waiver": Waiver.objects.get,
        **dict.fromkeys(("confirm_suspicion", "dismiss_suspicion"), Suspicion.objects.get),
        **dict.fromkeys(("campaign", "campaign_people"), Campaign.objects.get),
        "connection": lambda: Connection.objects.get(user_id="stray"),
        "merge": lambda: people.connection_of("Ben"),
        "check_now": lambda: people.connection_of("Ben"),
        "scopes_reauthlink_change": ReauthLink.objects.get,
        "scopes_delivery_change": Delivery.objects.first,
        "replay_delivery": Delivery.objects.first,
        "retry_job": JobFailure.objects.first,
        "rotate_endpoint": Endpoint.objects.get,
        "replay_sending": Sending.objects.filter(state="failed").get,
        "scopes_auditrun_change": AuditRun.objects.first,
        "scopes_trailentry_change": TrailEntry.objects.exclude(verb__endswith="opened").first,
        "access_entry": _list_seen,
        "scopes_integration_change": lambda: people.integration_of("oura"),
        "scopes_policyversion_change": PolicyVersion.objects.first,
        "policies": lambda: people.integration_of("oura"),
        "draft_policy": lambda: people.integration_of("oura"),
        "policy_impact": PolicyVersion.objects.filter(published_at__isnull=True).first,
        "publish_policy": PolicyVersion.objects.filter(published_at__isnull=True).first,
        **dict.fromkeys(("release_incident", "discard_incident"), Incident.objects.get),
        "scopes_provider_change": Provider.objects.first,
        **dict.fromkeys(("rotate_api_key", "revoke_api_key"), ApiKey.objects.first),
        **dict.fromkeys(
            ("auth_user_change", "auth_user_password_change", "end_sessions", "remove_second_factor"),
            User.objects.first,
        ),
    }
    if screen == "send_link":
        return reverse("admin:send_link", args=[people.the("Ben").pk, people.terra().pk, "oura"])
    if screen == "link":
        return reverse("admin:link", args=["bens-link"])
    if screen == "change_endpoint":
        return reverse("admin:change_endpoint", args=[Endpoint.objects.get().pk, "disable"])
    if screen == "change_campaign":
        return reverse("admin:change_campaign", args=[Campaign.objects.get().pk, "start"])
    if screen == "draft_migration":
        return reverse("admin:draft_migration", args=[Provider.objects.get(slug="fitbit").pk, "production"])
    if screen == "draft_campaign":
        return reverse("admin:draft_campaign") + f"?connection={people.connection_of('Ben').pk}"
    if screen == "check_many":
        return reverse("admin:check_many") + "?health=broken"
    if screen == "live_checks":
        return reverse("admin:live_checks", args=[LiveCheck.objects.get().batch])
    row = shown[screen]() if screen in shown else None
    return reverse(f"admin:{screen}", args=[row.pk] if row else []) + ("?need=heartrate" if screen == "waive" else "")


def _list_seen() -> TrailEntry:
    """An entry of the access log about a list; the person in it is no longer there."""
    seen = {"verb": "people.listed", "subject": "admin:search", "actor_name": "agent-agent", "detail": {"people": [0]}}
    return TrailEntry.objects.get_or_create(**seen, defaults={"at": timezone.now()})[0]


def patterns(urls: list) -> list:  # type: ignore[type-arg]
    return [one for url in urls for one in (patterns(url.url_patterns) if hasattr(url, "url_patterns") else [url])]
