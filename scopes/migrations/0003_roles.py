from django.conf import settings
from django.db import migrations, models

LOOK = [
    "attempt.view_attempt",
    "auditrun.view_auditrun",
    "connection.view_connection",
    "delivery.view_delivery",
    "integration.view_integration",
    "person.view_person",
    "policyversion.view_policyversion",
    "provider.view_provider",
    "reauthlink.view_reauthlink",
    "scope.view_scope",
]
SEND = ["reauthlink.send_reauth_link", "reauthlink.withdraw_reauth_link"]
ROLES = {
    "viewer": LOOK,
    "agent": [*LOOK, *SEND],
    "lead": [*LOOK, *SEND, "reauthlink.override_preflight", "trailentry.view_trailentry"],
    # Engineers mend integrations; people are none of their business.
    "engineer": [
        "auditrun.view_auditrun",
        "delivery.view_delivery",
        "delivery.read_delivery_body",
        "delivery.replay_delivery",
        "integration.view_integration",
        "policyversion.view_policyversion",
        "provider.view_provider",
        "scope.view_scope",
    ],
    "auditor": [*LOOK, "delivery.read_delivery_body", "trailentry.view_trailentry", "trailentry.view_access_log"],
}


def make_roles(apps, schema_editor):
    """Each role is a group that has these permissions at least; those that an administrator added stay."""
    for role, wanted in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, name) for name in wanted))


def unmake_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


def _permission(apps, name):
    """The permission; Django itself makes what is missing only after all migrations."""
    model, codename = name.split(".")
    options = apps.get_model("scopes", model)._meta
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="scopes", model=model
    )
    words = dict(options.permissions).get(codename, f"Can view {options.verbose_name}")
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type_id=content_type.pk, codename=codename, defaults={"name": words}
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0002_immutable_records"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInTries",
            fields=[
                ("subject", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("tries", models.PositiveIntegerField()),
                ("first_at", models.DateTimeField()),
            ],
            options={"verbose_name_plural": "sign-in tries", "default_permissions": ()},
        ),
        migrations.AlterModelOptions(
            name="delivery",
            options={
                "verbose_name_plural": "deliveries",
                "permissions": [
                    ("read_delivery_body", "Can read what a delivery said"),
                    ("replay_delivery", "Can process a delivery again"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="reauthlink",
            options={
                "permissions": [
                    ("send_reauth_link", "Can send a reauth link"),
                    ("withdraw_reauth_link", "Can withdraw a reauth link"),
                    ("override_preflight", "Can send a reauth link that the preflight advises against"),
                ]
            },
        ),
        migrations.AlterModelOptions(
            name="trailentry",
            options={
                "verbose_name_plural": "trail entries",
                "permissions": [("view_access_log", "Can see who opened whose page")],
            },
        ),
        migrations.AddIndex(
            model_name="trailentry",
            index=models.Index(fields=["actor", "-at"], name="trail_of_actor"),
        ),
        migrations.AddIndex(
            model_name="signintries",
            index=models.Index(fields=["first_at"], name="sign_in_tries_by_age"),
        ),
        migrations.RunPython(make_roles, unmake_roles),
    ]
