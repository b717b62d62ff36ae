from typing import Any

from django.db import migrations

from scopes.migrations._roles import grant

# What every role that deals with people may look at.
LOOK = [
    "attempt.view_attempt",
    "auditrun.view_auditrun",
    "connection.view_connection",
    "delivery.view_delivery",
    "incident.view_incident",
    "integration.view_integration",
    "person.view_person",
    "policyversion.view_policyversion",
    "provider.view_provider",
    "reauthlink.view_reauthlink",
    "scope.view_scope",
    "suspicion.view_suspicion",
]
ACT = [
    "dontcontact.set_dont_contact",
    "livecheck.check_connection",
    "reauthlink.send_reauth_link",
    "reauthlink.withdraw_reauth_link",
    "waiver.waive",
]
ROLES = {
    "viewer": LOOK,
    "agent": [*LOOK, *ACT],
    "lead": [
        *LOOK,
        *ACT,
        "dontcontact.lift_dont_contact",
        "incident.end_incident",
        "merge.merge_connections",
        "person.erase_person",
        "person.export_person",
        "reauthlink.override_preflight",
        "referenceconflict.dismiss_reference_conflict",
        "suspicion.dismiss_suspicion",
        "trailentry.view_trailentry",
    ],
    # Engineers fix integrations; people are none of their business.
    "engineer": [
        "auditrun.view_auditrun",
        "delivery.read_delivery_body",
        "delivery.replay_delivery",
        "delivery.view_delivery",
        "incident.end_incident",
        "incident.view_incident",
        "integration.view_integration",
        "jobfailure.retry_job",
        "jobfailure.view_jobfailure",
        "policyversion.draft_policy",
        "policyversion.publish_policy",
        "policyversion.view_policyversion",
        "provider.view_provider",
        "scope.view_scope",
        "suspicion.dismiss_suspicion",
        "suspicion.view_suspicion",
        "sourcesetup.resend_event",
        "sourcesetup.view_sourcesetup",
    ],
    "auditor": [
        *LOOK,
        "delivery.read_delivery_body",
        "person.export_person",
        "trailentry.view_access_log",
        "trailentry.view_trailentry",
    ],
}


def make_roles(apps: Any, schema_editor: object) -> None:
    grant(apps, ROLES)


def unmake_roles(apps: Any, schema_editor: object) -> None:
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0002_immutable_records"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_roles, unmake_roles)]
