from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from scopes.migrations._roles import grant

ROLES = {"engineer": ["terrasetup.view_terrasetup", "terrasetup.resend_event"]}


def give(apps: Any, schema_editor: object) -> None:
    grant(apps, ROLES)


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0011_deliveries"),
    ]

    operations = [
        migrations.CreateModel(
            name="TerraSetup",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="setup",
                        serialize=False,
                        to="scopes.source",
                    ),
                ),
                ("read_at", models.DateTimeField()),
                ("content", models.JSONField()),
            ],
            options={
                "permissions": [("resend_event", "Can have Terra deliver an event again")],
            },
        ),
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
