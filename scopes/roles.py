"""Roles of agents, and what each may do: the one list from which the migrations make the groups.

`docs/sign-in-and-roles.md` shows it as a table. A migration gives a role its permissions once, so that an administrator
may take some away: whatever is added here later needs a migration of its own (see `migrations/_roles.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

ROLES = ("viewer", "agent", "lead", "engineer", "auditor")


@dataclass(frozen=True, slots=True)
class Ability:
    """What one may do, in words; which roles may, and by which permissions (`model.codename`)."""

    words: str
    roles: frozenset[str]
    permissions: tuple[str, ...]


def _ability(words: str, roles: str, permissions: str) -> Ability:
    return Ability(words, frozenset(roles.split()), tuple(permissions.split()))


ABILITIES = (
    _ability(
        "find people, open their page, connections, links",
        "viewer agent lead auditor",
        "attempt.view_attempt connection.view_connection person.view_person reauthlink.view_reauthlink",
    ),
    _ability(
        "send and withdraw a reauth link", "agent lead", "reauthlink.send_reauth_link reauthlink.withdraw_reauth_link"
    ),
    _ability("send one that the preflight advises against, with a reason", "lead", "reauthlink.override_preflight"),
    _ability("campaigns, and how far each has got", "viewer agent lead auditor", "campaign.view_campaign"),
    _ability(
        "send links to a selection of at most 50 connections, with a reason", "agent lead", "campaign.send_to_selection"
    ),
    _ability("make, start, pause and end campaigns, with a reason", "lead", "campaign.run_campaign"),
    _ability("waive a declined scope until a day, and end a waiver, with a reason", "agent lead", "waiver.waive"),
    _ability("check connections with their source now, with a reason", "agent lead", "livecheck.check_connection"),
    _ability("merge and unmerge connections, mark them as distinct, with a reason", "lead", "merge.merge_connections"),
    _ability(
        "dismiss “Reported for two people”, with a reason", "lead", "referenceconflict.dismiss_reference_conflict"
    ),
    _ability("mark a person “Do not contact”, with a reason", "agent lead", "dontcontact.set_dont_contact"),
    _ability("allow contact again, with a reason", "lead", "dontcontact.lift_dont_contact"),
    _ability("write notes about a person, and remove one's own", "agent lead", "note.write_note"),
    _ability("remove the notes of others, with a reason", "lead", "note.remove_note"),
    _ability("escalate to engineering what no link can fix, with a reason", "agent lead", "escalation.escalate"),
    _ability("see escalations", "viewer agent lead engineer auditor", "escalation.view_escalation"),
    _ability("take an escalation, and answer it", "engineer", "escalation.answer_escalation"),
    _ability("export a person's data, with a reason", "lead auditor", "person.export_person"),
    _ability("export a list of connections, with a reason", "lead auditor", "connection.export_connections"),
    _ability("share a saved filter with everyone, and remove shared ones", "lead", "savedfilter.share_filter"),
    _ability("erase a person, with a reason", "lead", "person.erase_person"),
    _ability(
        "audits, integrations, policies, suspected scope problems, catalogue, deliveries",
        "viewer agent lead engineer auditor",
        "auditrun.view_auditrun delivery.view_delivery incident.view_incident integration.view_integration"
        " policyversion.view_policyversion provider.view_provider scope.view_scope suspicion.view_suspicion",
    ),
    _ability(
        "draft policies, and publish them with a reason",
        "engineer",
        "policyversion.draft_policy policyversion.publish_policy",
    ),
    _ability(
        "how sources are set up; resend events, with a reason",
        "engineer",
        "sourcesetup.resend_event sourcesetup.view_sourcesetup",
    ),
    _ability(
        "confirm a suspected scope problem, which publishes a policy, with a reason",
        "engineer",
        "policyversion.publish_policy",
    ),
    _ability("dismiss a suspected scope problem, with a reason", "lead engineer", "suspicion.dismiss_suspicion"),
    _ability(
        "release or discard what an incident quarantines, with a reason", "lead engineer", "incident.end_incident"
    ),
    _ability("read the content of a delivery", "engineer auditor", "delivery.read_delivery_body"),
    _ability("reprocess a delivery, with a reason", "engineer", "delivery.replay_delivery"),
    _ability(
        "jobs, and retry a failed one, with a reason", "engineer", "jobfailure.retry_job jobfailure.view_jobfailure"
    ),
    _ability(
        "endpoints of events, and send failed events again, with a reason", "engineer", "endpoint.manage_endpoints"
    ),
    _ability("make, rotate and revoke API keys, with a reason", "engineer", "apikey.manage_api_keys"),
    _ability("the activity log", "lead auditor", "trailentry.view_trailentry"),
    _ability("the access log", "auditor", "trailentry.view_access_log"),
)


def permissions_of(role: str) -> frozenset[str]:
    """The permissions of a role, as `model.codename`."""
    return frozenset(name for ability in ABILITIES if role in ability.roles for name in ability.permissions)
